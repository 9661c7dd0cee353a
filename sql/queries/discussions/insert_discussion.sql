with
counted as (
    update requests
    set discussion_count = discussion_count + 1
    where id = %(request_pk)s and discussion_count < %(most)s
    returning id
)

insert into discussions (request_pk, username, comment)
select
    counted.id,
    %(username)s,
    %(comment)s
from counted
returning id, username, comment, created_at, updated_at
