-- List models, mods, tags and sources with their numbers of requests, among the newest that pass the filters.
-- The last row has no value: it counts the requests. The engine calls a mod by the name of its wrapper. If the request
-- names the mod itself, only that name counts.
with
counted as materialized (
    select
        model,
        mods,
        tags,
        source
    from requests
    where
        request_matches(requests, %(filters)s::feed_filters)
        and (
            %(collection_id)s::bigint is null
            or id = any(array(
                select collection_members.request_pk
                from collection_members
                where collection_members.collection_id = %(collection_id)s::bigint
            ))
        )
    order by created_at desc, id desc
    limit %(most)s
),

named as (
    select
        'models' as facet,
        model as value
    from counted
    where model is not null
    union all
    select
        'mods' as facet,
        called.mod as value
    from counted
    cross join unnest(counted.mods) as called (mod)
    where
        not starts_with(called.mod, %(wrapper)s)
        or not counted.mods @> array[substr(called.mod, length(%(wrapper)s) + 1)]
    union all
    select
        'tags' as facet,
        unnest(tags) as value
    from counted
    where tags <> '{}'
    union all
    select
        'sources' as facet,
        source as value
    from counted
),

ranked as (
    select
        facet,
        value,
        count(*) as request_count,
        row_number() over (partition by facet order by count(*) desc, value asc) as ordinal
    from named
    group by facet, value
)

select
    facet,
    value,
    request_count
from ranked
where ordinal <= %(limit)s
union all
select
    null as facet,
    null as value,
    count(*) as request_count
from counted
order by facet asc, request_count desc, value asc
