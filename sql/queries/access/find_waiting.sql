-- Find the owners with rows among the given ones.
select asked.owner
from unnest(%(owners)s::bytea[]) as asked (owner)
where has_rows(asked.owner)
