-- List a page of the alerts that the caller may see, newest first, or get the one with an id.
-- URLs of other owners are cut after the host, because the path or the query may contain a secret.
select
    id,
    name,
    kind,
    score,
    threshold,
    share,
    window_s,
    filters,
    case
        when %(own)s::bytea is null or user_key_hmac = %(own)s::bytea then url
        else substring(url from '^[^/]*//[^/?]*')
    end as url,
    include_prompt,
    active,
    created_at,
    updated_at
from alerts
where
    (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    and (%(id)s::bigint is null or id = %(id)s::bigint)
    and (%(before_id)s::bigint is null or id < %(before_id)s::bigint)
order by id desc
limit %(limit)s
