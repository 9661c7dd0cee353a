-- List the newest requests that pass the filters, some of which are a search or a mod.
-- The planner does not know how many requests contain a rare word or mod, so this statement finds out. It looks among
-- the newest requests. If they don't fill the page, it collects all matches, and if there are too many, it reads on.
with
candidates as not materialized (
    select
        id,
        created_at,
        mods,
        search
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
        and (
            %(after_id)s::bigint is null
            or (created_at, id) < (%(after_created)s::timestamptz, %(after_id)s::bigint)
        )
),

newest as materialized (
    select
        id,
        created_at
    from (
        select
            candidates.id,
            candidates.created_at,
            candidates.mods,
            candidates.search
        from candidates
        order by candidates.created_at desc, candidates.id desc
        limit 1000
    ) as candidates
    where
        (%(mod)s::text is null or mods @> array[%(mod)s::text])
        and (%(q)s::text is null or search @@ websearch_to_tsquery('simple', %(q)s::text))
    order by created_at desc, id desc
    limit %(limit)s::bigint + %(offset)s::bigint
),

matching as materialized (
    select
        id,
        created_at
    from requests
    where
        (select count(*) from newest) < %(limit)s::bigint + %(offset)s::bigint
        and (%(q)s::text is not null or mods @> array[%(mod)s::text])
        and (%(q)s::text is null or search @@ websearch_to_tsquery('simple', %(q)s::text))
    limit 3001 -- noqa: AM09
),

collected as materialized (
    select
        ordered.id,
        ordered.created_at
    from (
        select
            matching.id,
            matching.created_at
        from matching
        where (select count(counted.id) from matching as counted) < 3001
        order by matching.created_at desc, matching.id desc
    ) as ordered
    cross join
        lateral (
            select candidates.id
            from candidates
            where
                candidates.id = ordered.id
                and (%(mod)s::text is null or candidates.mods @> array[%(mod)s::text])
        ) as candidate
    order by ordered.created_at desc, ordered.id desc
    limit %(limit)s::bigint + %(offset)s::bigint
),

walked as materialized (
    select
        id,
        created_at
    from candidates
    where
        (select count(*) from matching) = 3001
        and (%(mod)s::text is null or mods @> array[%(mod)s::text])
        and (%(q)s::text is null or search @@ websearch_to_tsquery('simple', %(q)s::text))
    order by created_at desc, id desc
    limit %(limit)s::bigint + %(offset)s::bigint
),

page as (
    select
        id,
        created_at
    from newest
    where (select count(counted.id) from newest as counted) = %(limit)s::bigint + %(offset)s::bigint
    union all
    select
        id,
        created_at
    from collected
    union all
    select
        id,
        created_at
    from walked
    order by created_at desc, id desc
    limit %(limit)s offset %(offset)s
)

select
    id,
    request_id,
    created_ts,
    finished_ts,
    model_id,
    user_api_key,
    case when not %(brief)s then substr(final_text, 1, 65536) end as final_text,
    total_steps,
    favorited_by,
    discussion_count,
    active_mod,
    tags,
    sequence_confidence,
    sequence_confidence_is_bound,
    lowest_group_confidence,
    case when not %(brief)s then array_to_json(group_confidence)::text end as group_confidence,
    source,
    group_id,
    p_correct,
    calibrator,
    ingested_at,
    revision,
    curation
from feed
where id = any(array(select page.id from page))
order by created_ts desc, id desc
