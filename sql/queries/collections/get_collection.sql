-- Get a collection of the caller and its number of requests.
select
    collections.id,
    collections.name,
    collections.description,
    collections.created_at,
    collections.updated_at,
    collections.created_by,
    collections.share_nonce,
    request_count(collections) as request_count
from collections
where
    collections.id = %(id)s
    and (%(owner)s::bytea is null or collections.user_key_hmac = %(owner)s::bytea)
