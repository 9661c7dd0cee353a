-- Lock an alert of the caller against changes until the transaction ends.
select id
from alerts
where
    id = %(id)s
    and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
for no key update
