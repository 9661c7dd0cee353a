update requests
set favorited_by = array_append(favorited_by, %(value)s::text)
where
    request_id = %(request_id)s
    and not favorited_by @> array[%(value)s::text]
    and cardinality(favorited_by) < %(most)s
returning id
