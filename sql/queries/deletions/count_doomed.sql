select count(*) as doomed
from requests
where
    (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    and (%(before)s::timestamptz is null or ingested_at < %(before)s::timestamptz)
