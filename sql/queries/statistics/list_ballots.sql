-- List the answers of a group that this owner may read, with the scores that votes depend on.
-- Of a long answer, only the end is read.
select
    request_id,
    right(final_text, %(chars)s) as text,
    sequence_confidence,
    lowest_group_confidence
from requests
where
    group_id = %(group_id)s
    and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
order by id
limit %(limit)s
