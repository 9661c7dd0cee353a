-- Lock the next requests to delete, except those on legal hold.
select id
from requests
where
    (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    and (%(before)s::timestamptz is null or ingested_at < %(before)s::timestamptz)
    and not is_on_hold(requests)
order by id
limit %(limit)s
for update
