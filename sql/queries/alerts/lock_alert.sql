-- Lock an alert of the caller against changes until the transaction ends.
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
for no key update
