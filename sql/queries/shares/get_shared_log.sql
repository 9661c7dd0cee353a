-- Get a request as the reader of a share link sees it.
-- The document is omitted if the client has this version (`known`) or the process has rendered it (`rendered`).
select
    requests.request_id,
    requests.id,
    requests.created_at,
    requests.revision,
    false as is_owned,
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
    request_version(requests, false) as version,
    document_version(requests, false) as document_version,
    array[request_version(requests, false), '*'] && %(known)s::text[] as is_known,
    false as has_run,
    request_traces.format,
    request_traces.choice,
    case
        when
            array[request_version(requests, false), '*'] && %(known)s::text[]
            or document_version(requests, false) = any(%(rendered)s::text[])
            then null
        else request_traces.document
    end as document
from requests
inner join request_traces on requests.id = request_traces.request_pk
where requests.id = open_link(%(token_hash)s, %(request_id)s::text)
