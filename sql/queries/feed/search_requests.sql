-- List the requests that pass the filters, including a search or a mod: newest first, or lowest confidence first.
-- The planner cannot estimate how many requests contain a word or mod, so this statement tries three plans. It searches
-- the first 1000 requests. If they don't fill the page, it collects all matches. If there are too many, it reads on.
with
candidates as not materialized (
    select
        id,
        created_at,
        coalesce(sequence_confidence, 2::double precision) as sort_confidence,
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
            or case %(sort)s::text
                when 'created' then (created_at, id) < (%(after_created)s::timestamptz, %(after_id)s::bigint)
                else
                    (coalesce(sequence_confidence, 2::double precision), id)
                    > (%(after_confidence)s::double precision, %(after_id)s::bigint)
            end
        )
),

foremost as materialized (
    select
        id,
        created_at,
        sort_confidence
    from (
        select
            candidates.id,
            candidates.created_at,
            candidates.sort_confidence,
            candidates.mods,
            candidates.search
        from candidates
        order by
            case when %(sort)s::text = 'created' then candidates.created_at end desc,
            case when %(sort)s::text = 'created' then candidates.id end desc,
            case when %(sort)s::text = 'confidence' then candidates.sort_confidence end asc,
            case when %(sort)s::text = 'confidence' then candidates.id end asc
        limit 1000
    ) as candidates
    where
        (%(mod)s::text is null or mods @> array[%(mod)s::text])
        and (%(q)s::text is null or search @@ search_query(%(q)s::text))
    order by
        case when %(sort)s::text = 'created' then created_at end desc,
        case when %(sort)s::text = 'created' then id end desc,
        case when %(sort)s::text = 'confidence' then sort_confidence end asc,
        case when %(sort)s::text = 'confidence' then id end asc
    limit %(limit)s::bigint + %(offset)s::bigint
),

-- Without a limit, so that the planner compares reading all matches through the index with reading all requests. The
-- matches beyond the limit of `matching` are never fetched.
matches as materialized (
    select
        id,
        created_at,
        coalesce(sequence_confidence, 2::double precision) as sort_confidence
    from requests
    where
        (select count(*) from foremost) < %(limit)s::bigint + %(offset)s::bigint
        and (%(q)s::text is not null or mods @> array[%(mod)s::text])
        and (%(q)s::text is null or search @@ search_query(%(q)s::text))
),

matching as materialized (
    select
        id,
        created_at,
        sort_confidence
    from matches
    limit 3001 -- noqa: AM09
),

collected as materialized (
    select
        ordered.id,
        ordered.created_at,
        ordered.sort_confidence
    from (
        select
            matching.id,
            matching.created_at,
            matching.sort_confidence
        from matching
        where (select count(counted.id) from matching as counted) < 3001
        order by
            case when %(sort)s::text = 'created' then matching.created_at end desc,
            case when %(sort)s::text = 'created' then matching.id end desc,
            case when %(sort)s::text = 'confidence' then matching.sort_confidence end asc,
            case when %(sort)s::text = 'confidence' then matching.id end asc
    ) as ordered
    cross join
        lateral (
            select candidates.id
            from candidates
            where
                candidates.id = ordered.id
                and (%(mod)s::text is null or candidates.mods @> array[%(mod)s::text])
        ) as candidate
    order by
        case when %(sort)s::text = 'created' then ordered.created_at end desc,
        case when %(sort)s::text = 'created' then ordered.id end desc,
        case when %(sort)s::text = 'confidence' then ordered.sort_confidence end asc,
        case when %(sort)s::text = 'confidence' then ordered.id end asc
    limit %(limit)s::bigint + %(offset)s::bigint
),

walked as materialized (
    select
        id,
        created_at,
        sort_confidence
    from candidates
    where
        (select count(*) from matching) = 3001
        and (%(mod)s::text is null or mods @> array[%(mod)s::text])
        and (%(q)s::text is null or search @@ search_query(%(q)s::text))
    order by
        case when %(sort)s::text = 'created' then created_at end desc,
        case when %(sort)s::text = 'created' then id end desc,
        case when %(sort)s::text = 'confidence' then sort_confidence end asc,
        case when %(sort)s::text = 'confidence' then id end asc
    limit %(limit)s::bigint + %(offset)s::bigint
),

page as (
    select found.id
    from (
        select
            id,
            created_at,
            sort_confidence
        from foremost
        where (select count(counted.id) from foremost as counted) = %(limit)s::bigint + %(offset)s::bigint
        union all
        select
            id,
            created_at,
            sort_confidence
        from collected
        union all
        select
            id,
            created_at,
            sort_confidence
        from walked
    ) as found
    order by
        case when %(sort)s::text = 'created' then found.created_at end desc,
        case when %(sort)s::text = 'created' then found.id end desc,
        case when %(sort)s::text = 'confidence' then found.sort_confidence end asc,
        case when %(sort)s::text = 'confidence' then found.id end asc
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
    case when not %(brief)s then prompt end as prompt,
    latency_ms,
    tokens,
    outcome,
    ending,
    has_exception,
    ingested_at,
    revision,
    curation
from feed
where id = any(array(select page.id from page))
order by
    case when %(sort)s::text = 'created' then created_ts end desc,
    case when %(sort)s::text = 'created' then id end desc,
    case when %(sort)s::text = 'confidence' then sort_confidence end asc,
    case when %(sort)s::text = 'confidence' then id end asc
