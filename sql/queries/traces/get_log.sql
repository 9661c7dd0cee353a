-- Get a request as this reader sees it. Returns no row if the reader may not see it.
-- The document is omitted if the client has this version (`known`) or the process has rendered it (`rendered`).
with
readers as (
    select
        requests.id,
        coalesce(%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea, false) as is_owned
    from requests
    where requests.request_id = %(request_id)s
)

select
    requests.request_id,
    requests.id,
    requests.created_at,
    requests.revision,
    readers.is_owned,
    requests.user_key_label,
    requests.share_nonce,
    requests.share_expires_at,
    is_public(requests) as is_public,
    requests.favorited_by,
    requests.tags,
    requests.discussion_count,
    requests.source,
    requests.group_id,
    requests.p_correct,
    calibrator_of(requests) as calibrator,
    request_version(requests, readers.is_owned) as version,
    document_version(requests, readers.is_owned) as document_version,
    array[request_version(requests, readers.is_owned), '*'] && %(known)s::text[] as is_known,
    readers.is_owned
    and exists (
        select from activation_runs
        where activation_runs.request_pk = requests.id
    ) as has_run,
    request_traces.format,
    request_traces.choice,
    case
        when
            array[request_version(requests, readers.is_owned), '*'] && %(known)s::text[]
            or document_version(requests, readers.is_owned) = any(%(rendered)s::text[])
            then null
        else request_traces.document
    end as document
from readers
inner join requests on readers.id = requests.id
inner join request_traces on requests.id = request_traces.request_pk
where readers.is_owned or is_public(requests)
