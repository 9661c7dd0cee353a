select
    format(
        'COMMENT ON %s %s IS %L',
        case object.type
            when 'table column' then 'COLUMN'
            when 'table constraint' then 'CONSTRAINT'
            else upper(object.type)
        end,
        object.identity,
        pg_description.description
    ) as statement
from pg_description
cross join
    lateral pg_identify_object(
        pg_description.classoid, pg_description.objoid, pg_description.objsubid
    ) as object
where
    pg_description.classoid = any(
        array['pg_class', 'pg_proc', 'pg_constraint', 'pg_trigger']::regclass[]
    )
    and (starts_with(object.identity, 'public.') or object.identity like '%% on public.%%')
order by object.type desc, object.identity asc
