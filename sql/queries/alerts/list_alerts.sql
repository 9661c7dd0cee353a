-- List a page of alerts, newest first.
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
    and (%(before_id)s::bigint is null or id < %(before_id)s::bigint)
order by id desc
limit %(limit)s
