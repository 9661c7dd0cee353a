update requests
set tags = array_remove(tags, %(value)s::text)
where request_id = %(request_id)s and tags @> array[%(value)s::text]
returning id
