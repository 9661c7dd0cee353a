-- Lock a request of the caller before it is changed.
select id
from requests
where
    request_id = %(request_id)s
    and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
for no key update
