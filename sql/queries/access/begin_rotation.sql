-- Make the present secret the one of the database, and note the former owners. Null if it had another secret.
select begin_rotation(%(former)s, %(present)s) as waiting
