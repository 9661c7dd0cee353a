select
    requests.request_id,
    requests.id,
    requests.created_at,
    requests.revision,
    requests.user_key_hmac,
    requests.user_key_label,
    requests.share_nonce,
    requests.share_nonce is not null and coalesce(requests.share_expires_at > now(), true) as is_public,
    requests.favorited_by,
    requests.tags,
    requests.discussion_count,
    request_traces.log
from requests
inner join request_traces on requests.id = request_traces.request_pk
where requests.request_id = %(request_id)s
