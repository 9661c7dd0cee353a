-- Find the table of applied migrations.
-- to_regclass is not an option: its cache can be older than the lock this transaction has just waited for.
select max(pg_class.oid)::text
from pg_class
inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
where pg_class.relname = 'schema_migrations' and pg_namespace.nspname = current_schema()
