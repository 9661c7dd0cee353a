-- Find those of the given owners that have rows.
select asked.owner
from unnest(%(owners)s::bytea[]) as asked (owner)
where has_rows(asked.owner)
