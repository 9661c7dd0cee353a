-- Get the owner of a request and whether the request is public.
select
    user_key_hmac,
    is_public(requests) as is_public
from requests
where request_id = %(request_id)s
