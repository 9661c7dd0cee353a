-- Get the tags and favorites of a request, with its owner.
select
    tags,
    favorited_by,
    user_key_hmac,
    is_public(requests) as is_public
from requests
where request_id = %(request_id)s
