-- Change a comment.
-- updated_at is later than created_at even if the clock was set back.
update discussions
set
    comment = %(comment)s,
    updated_at = greatest(now(), created_at + interval '1 microsecond')
where id = %(id)s and request_pk = %(request_pk)s
returning id, username, comment, created_at, updated_at
