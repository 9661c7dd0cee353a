-- List the requests that pass the filters, lowest confidence first.
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
        or (sort_confidence, id) > (%(after_confidence)s::double precision, %(after_id)s::bigint)
    )
order by sort_confidence asc, id asc
limit %(limit)s offset %(offset)s
