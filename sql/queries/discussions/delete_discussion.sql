-- Delete a comment and update the request's count.
-- The caller holds the request's lock, so only one of two concurrent deletions finds the comment.
with
gone as (
    delete from discussions
    where id = %(id)s and request_pk = %(request_pk)s
    returning request_pk
)

update requests
set discussion_count = requests.discussion_count - 1
from gone
where requests.id = gone.request_pk
returning requests.id
