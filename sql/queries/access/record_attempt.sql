with
forgotten as (
    delete from bootstrap_attempts
    where attempted_at <= now() - interval '1 minute'
),

recorded as (
    insert into bootstrap_attempts default values
)

select count(*) + 1
from bootstrap_attempts
where attempted_at > now() - interval '1 minute'
