-- The text is left where it is if the client has it: `known` are the versions that it said.
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
    is_public(requests) as is_public,
    requests.favorited_by,
    requests.tags,
    requests.discussion_count,
    request_version(requests, readers.is_owned) as version,
    case
        when not array[request_version(requests, readers.is_owned), '*'] && %(known)s::text[]
            then request_traces.log
    end as log
from readers
inner join requests on readers.id = requests.id
inner join request_traces on requests.id = request_traces.request_pk
