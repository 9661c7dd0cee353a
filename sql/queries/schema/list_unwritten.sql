-- What a database has that the statements beside this one do not write.
select format('%s %s', object.type, object.identity) as name
from (
    select
        'pg_class'::regclass as class_id,
        pg_class.oid
    from pg_class
    inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
    where pg_namespace.nspname = 'public' and pg_class.relkind in ('v', 'm', 'f', 'p')
    union all
    select
        'pg_type'::regclass as class_id,
        pg_type.oid
    from pg_type
    inner join pg_namespace on pg_type.typnamespace = pg_namespace.oid
    where pg_namespace.nspname = 'public' and pg_type.typtype in ('e', 'd', 'r')
    union all
    select
        'pg_extension'::regclass as class_id,
        pg_extension.oid
    from pg_extension
    where pg_extension.extname <> 'plpgsql'
) as found
cross join lateral pg_identify_object(found.class_id, found.oid, 0) as object
order by object.type, object.identity
