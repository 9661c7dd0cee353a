-- Lock a collection against changes until the transaction ends.
select
    id,
    user_key_hmac,
    share_nonce
from collections
where id = %(id)s
for no key update
