-- List the requests that pass the filters: newest first, or lowest confidence first.
-- The statement is planned for the given sort order, so the conditions on it disappear and its index serves the order.
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
where
    request_matches(request, %(filters)s::feed_filters)
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
            when 'created' then (created_ts, id) < (%(after_created)s::timestamptz, %(after_id)s::bigint)
            else (sort_confidence, id) > (%(after_confidence)s::double precision, %(after_id)s::bigint)
        end
    )
order by
    case when %(sort)s::text = 'created' then created_ts end desc,
    case when %(sort)s::text = 'created' then id end desc,
    case when %(sort)s::text = 'confidence' then sort_confidence end asc,
    case when %(sort)s::text = 'confidence' then id end asc
limit %(limit)s offset %(offset)s
