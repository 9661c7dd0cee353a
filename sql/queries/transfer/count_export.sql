-- Count the requests and tokens that an export with these filters covers.
select
    count(*) as requests,
    coalesce(sum(requests.tokens), 0) as tokens
from requests
where
    (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
    and request_matches(
        requests,
        %(model)s::text,
        %(mod)s::text,
        %(tag)s::text,
        %(favorited_by)s::text,
        %(created_from)s::timestamptz,
        %(created_to)s::timestamptz,
        %(min_confidence)s::double precision,
        %(max_confidence)s::double precision,
        %(has_exception)s::boolean,
        %(source)s::text,
        %(group_id)s::text,
        websearch_to_tsquery('simple', %(q)s::text)
    )
