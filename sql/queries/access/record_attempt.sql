-- Record a failed bootstrap attempt and return whether the address is under the limit.
with
forgotten as (
    delete from bootstrap_attempts
    where attempted_at <= now() - interval '1 minute'
),

earlier as (
    select count(*) as attempts
    from bootstrap_attempts
    where address = %(address)s::text and attempted_at > now() - interval '1 minute'
),

recorded as (
    insert into bootstrap_attempts (address)
    select %(address)s::text
    from earlier
    where earlier.attempts < %(most)s
)

select earlier.attempts < %(most)s as may_try
from earlier
