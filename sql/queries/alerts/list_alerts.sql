-- List a page of the caller's alerts, newest first, or get the one with an id.
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
    (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    and (%(id)s::bigint is null or id = %(id)s::bigint)
    and (%(before_id)s::bigint is null or id < %(before_id)s::bigint)
order by id desc
limit %(limit)s
