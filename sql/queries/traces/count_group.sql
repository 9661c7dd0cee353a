-- Count the requests of a group that this owner may read.
select count(*)
from requests
where
    group_id = %(group_id)s
    and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
