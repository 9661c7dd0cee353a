select pg_get_triggerdef(pg_trigger.oid) as statement
from pg_trigger
inner join pg_class on pg_trigger.tgrelid = pg_class.oid
inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
where pg_namespace.nspname = 'public' and not pg_trigger.tgisinternal
order by pg_class.relname, pg_trigger.tgname
