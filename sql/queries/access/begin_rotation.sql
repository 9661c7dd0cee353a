-- Make the present secret the one of the database, and note the owners under the previous one.
-- Null if the database had another secret.
select begin_rotation(%(previous)s, %(present)s) as waiting
