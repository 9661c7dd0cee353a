select
    user_key_hmac,
    share_nonce is not null and coalesce(share_expires_at > now(), true) as is_public
from requests
where request_id = %(request_id)s
