update requests
set tags = array_append(tags, %(value)s::text)
where
    request_id = %(request_id)s
    and not tags @> array[%(value)s::text]
    and cardinality(tags) < %(most)s
returning id
