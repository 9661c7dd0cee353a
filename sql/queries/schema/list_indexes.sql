-- Those that no constraint brings along.
select pg_get_indexdef(pg_index.indexrelid) as statement
from pg_index
inner join pg_class on pg_index.indexrelid = pg_class.oid
inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
where
    pg_namespace.nspname = 'public'
    and not exists (
        select from pg_constraint
        where pg_constraint.conindid = pg_index.indexrelid and pg_constraint.contype in ('p', 'u', 'x')
    )
order by pg_class.relname
