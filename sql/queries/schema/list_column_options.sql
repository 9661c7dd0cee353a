-- What a column has beside its type: an identity, a default, a way of being stored.
with
columns as (
    select
        pg_attribute.attrelid,
        pg_attribute.attname,
        pg_attribute.attnum,
        pg_attribute.attidentity,
        pg_attribute.attgenerated,
        pg_attribute.attstorage <> pg_type.typstorage as stored_otherwise,
        case pg_attribute.attstorage
            when 'p' then 'PLAIN' when 'e' then 'EXTERNAL' when 'm' then 'MAIN' else 'EXTENDED'
        end as storage,
        format('ALTER TABLE ONLY %s ALTER COLUMN %I', pg_class.oid::regclass, pg_attribute.attname) as prefix
    from pg_attribute
    inner join pg_class on pg_attribute.attrelid = pg_class.oid
    inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
    inner join pg_type on pg_attribute.atttypid = pg_type.oid
    where
        pg_class.relkind = 'r'
        and pg_namespace.nspname = 'public'
        and pg_attribute.attnum > 0
        and not pg_attribute.attisdropped
),

options as (
    select
        columns.attrelid,
        columns.attnum,
        format(
            '%s ADD GENERATED %s AS IDENTITY '
            '(SEQUENCE NAME %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s)',
            columns.prefix,
            case columns.attidentity when 'a' then 'ALWAYS' else 'BY DEFAULT' end,
            pg_sequence.seqrelid::regclass,
            pg_sequence.seqstart,
            pg_sequence.seqincrement,
            pg_sequence.seqmin,
            pg_sequence.seqmax,
            pg_sequence.seqcache,
            case when pg_sequence.seqcycle then ' CYCLE' end
        ) as statement
    from columns
    inner join pg_depend
        on
            columns.attrelid = pg_depend.refobjid
            and columns.attnum = pg_depend.refobjsubid
            and pg_depend.deptype = 'i'
    inner join pg_sequence on pg_depend.objid = pg_sequence.seqrelid
    where columns.attidentity <> ''
    union all
    select
        columns.attrelid,
        columns.attnum,
        format('%s SET DEFAULT %s', columns.prefix, pg_get_expr(pg_attrdef.adbin, pg_attrdef.adrelid)) as statement
    from columns
    inner join pg_attrdef on columns.attrelid = pg_attrdef.adrelid and columns.attnum = pg_attrdef.adnum
    where columns.attgenerated = ''
    union all
    select
        columns.attrelid,
        columns.attnum,
        format('%s SET STORAGE %s', columns.prefix, columns.storage) as statement
    from columns
    where columns.stored_otherwise
)

select options.statement
from options
order by options.attrelid::regclass::text, options.attnum, options.statement
