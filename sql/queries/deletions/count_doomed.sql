-- Count the requests that a deletion covers, and those that a legal hold protects.
select
    count(*) filter (where legal_holds.request_pk is null) as doomed,
    count(legal_holds.request_pk) as held
from requests
left join legal_holds on requests.id = legal_holds.request_pk
where
    (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
    and (%(before)s::timestamptz is null or requests.ingested_at < %(before)s::timestamptz)
