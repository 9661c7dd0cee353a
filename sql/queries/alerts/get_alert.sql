-- Return an alert of the caller.
select
    id,
    name,
    kind,
    score,
    threshold,
    share,
    window_s,
    filters,
    url,
    include_prompt,
    active,
    secret_nonce,
    created_at,
    updated_at
from alerts
where
    id = %(id)s
    and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
