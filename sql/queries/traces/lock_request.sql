-- Lock a request before it is changed.
select
    id,
    user_key_hmac
from requests
where request_id = %(request_id)s
for no key update
