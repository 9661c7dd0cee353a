-- Later than created_at even where the clock went back.
update discussions
set
    comment = %(comment)s,
    updated_at = greatest(now(), created_at + interval '1 microsecond')
where id = %(id)s and request_pk = %(request_pk)s
returning id, username, comment, created_at, updated_at
