-- List the requests that pass the filters, lowest confidence first.
select
    id,
    request_id,
    created_at as created_ts,
    completed_at as finished_ts,
    model as model_id,
    user_key_label as user_api_key,
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
from requests
where
    (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    and request_matches(
        requests,
        %(model)s::text,
        %(mod)s::text,
        %(tag)s::text,
        %(favorited_by)s::text,
        %(created_from)s::timestamptz,
        %(created_to)s::timestamptz,
        %(min_confidence)s::double precision,
        %(max_confidence)s::double precision,
        %(has_exception)s::boolean,
        %(source)s::text,
        %(group_id)s::text,
        websearch_to_tsquery('simple', %(q)s::text)
    )
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
        or (coalesce(sequence_confidence, 2), id) > (%(after_confidence)s::double precision, %(after_id)s::bigint)
    )
order by coalesce(sequence_confidence, 2) asc, id asc
limit %(limit)s offset %(offset)s
