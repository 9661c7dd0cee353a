-- The text is left where it is if the client has it: `known` are the versions that it said.
select
    requests.request_id,
    requests.id,
    requests.created_at,
    requests.revision,
    false as is_owned,
    requests.user_key_label,
    requests.share_nonce,
    is_public(requests) as is_public,
    requests.favorited_by,
    requests.tags,
    requests.discussion_count,
    request_version(requests, false) as version,
    case
        when not array[request_version(requests, false), '*'] && %(known)s::text[]
            then request_traces.log
    end as log
from requests
inner join request_traces on requests.id = request_traces.request_pk
where requests.id = open_link(%(token_hash)s, %(request_id)s::text)
