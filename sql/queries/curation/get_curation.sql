-- Get the tags and favorites of a request that the caller may see, with its owner.
select
    tags,
    favorited_by,
    user_key_hmac
from requests
where
    request_id = %(request_id)s
    and (is_public(requests) or %(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
