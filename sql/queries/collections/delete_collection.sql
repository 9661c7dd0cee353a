delete from collections
where id = %(id)s
returning id
