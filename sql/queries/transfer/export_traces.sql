-- Export the documents of the requests that pass the filters.
-- `--what steps` derives its rows from these documents.
select
    requests.request_id,
    request_traces.format,
    request_traces.document,
    requests.created_at,
    requests.user_key_hmac,
    requests.user_key_label,
    request_traces.choice,
    requests.group_id
from requests
inner join request_traces on requests.id = request_traces.request_pk
where
    (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
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
order by requests.id
