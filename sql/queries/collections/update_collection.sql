-- Change the name or description of a collection.
update collections
set
    name = coalesce(%(name)s::text, name),
    description = case when %(sets_description)s then %(description)s::text else description end,
    updated_at = greatest(now(), created_at + interval '1 microsecond')
where id = %(id)s
