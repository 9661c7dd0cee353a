-- Count the collections of an owner, or all.
select count(*) as total
from collections
where (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
