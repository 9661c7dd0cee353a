update requests
set favorited_by = array_remove(favorited_by, %(value)s::text)
where request_id = %(request_id)s and favorited_by @> array[%(value)s::text]
returning id
