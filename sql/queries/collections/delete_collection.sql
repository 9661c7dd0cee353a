-- Delete a collection. Its requests stay.
delete from collections
where id = %(id)s
