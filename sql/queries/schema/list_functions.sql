-- In the order in which they were made: a later one may call an earlier one.
select trim(pg_get_functiondef(pg_proc.oid), E'\n') as statement
from pg_proc
inner join pg_namespace on pg_proc.pronamespace = pg_namespace.oid
where
    pg_namespace.nspname = 'public'
    and pg_proc.prokind in ('f', 'p')
    and not exists (
        select from pg_depend
        where pg_depend.objid = pg_proc.oid and pg_depend.deptype = 'e'
    )
order by pg_proc.oid
