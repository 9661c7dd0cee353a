select
    id,
    user_key_hmac,
    share_nonce,
    share_expires_at,
    coalesce(share_expires_at > now(), share_nonce is not null) as is_public
from requests
where request_id = %(request_id)s
for update
