-- Foreign keys last: they refer to the others.
select
    format(
        'ALTER TABLE ONLY %s ADD CONSTRAINT %I %s',
        pg_constraint.conrelid::regclass,
        pg_constraint.conname,
        pg_get_constraintdef(pg_constraint.oid)
    ) as statement
from pg_constraint
inner join pg_namespace on pg_constraint.connamespace = pg_namespace.oid
where
    pg_namespace.nspname = 'public'
    and pg_constraint.contype in ('c', 'p', 'u', 'x', 'f')
    and pg_constraint.conrelid <> 0
order by pg_constraint.contype = 'f', pg_constraint.conrelid::regclass::text, pg_constraint.conname
