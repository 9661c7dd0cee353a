-- Lock a request of the caller before its link changes.
select
    id,
    share_nonce,
    share_expires_at,
    is_public(requests) as is_public
from requests
where
    request_id = %(request_id)s
    and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
for update
