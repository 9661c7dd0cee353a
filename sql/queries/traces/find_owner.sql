-- Get the owner of a request that the caller may see.
select user_key_hmac
from requests
where
    request_id = %(request_id)s
    and (is_public(requests) or %(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
