-- Lock a collection of the caller against changes until the transaction ends.
select share_nonce
from collections
where
    id = %(id)s
    and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
for no key update
