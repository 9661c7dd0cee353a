-- Store a generated secret unless the database has one, and return the stored secret.
with
generated as (
    insert into generated_secret (secret)
    values (%(secret)s)
    on conflict (only_row) do nothing
    returning secret
)

select generated.secret
from generated
union all
select generated_secret.secret
from generated_secret
limit 1
