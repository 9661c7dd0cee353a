with
expressions as (
    select
        pg_attrdef.adrelid,
        pg_attrdef.adnum,
        pg_get_expr(pg_attrdef.adbin, pg_attrdef.adrelid) as text
    from pg_attrdef
)

select
    format(
        E'CREATE TABLE %s (\n    %s\n)',
        pg_class.oid::regclass,
        string_agg(
            concat(
                quote_ident(pg_attribute.attname),
                ' ',
                format_type(pg_attribute.atttypid, pg_attribute.atttypmod),
                case pg_attribute.attgenerated
                    when 's' then format(' GENERATED ALWAYS AS (%s) STORED', expressions.text)
                    when 'v' then format(' GENERATED ALWAYS AS (%s)', expressions.text)
                end,
                case when pg_attribute.attnotnull then ' NOT NULL' end
            ),
            E',\n    '
            order by pg_attribute.attnum
        )
    ) as statement
from pg_class
inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
inner join pg_attribute on pg_class.oid = pg_attribute.attrelid
left join expressions
    on pg_attribute.attrelid = expressions.adrelid and pg_attribute.attnum = expressions.adnum
where
    pg_class.relkind = 'r'
    and pg_namespace.nspname = 'public'
    and pg_attribute.attnum > 0
    and not pg_attribute.attisdropped
group by pg_class.oid, pg_class.relname
order by pg_class.relname
