-- Move all rows of an owner to the present secret, unless that is the previous one.
select move_owner(%(previous)s::bytea, %(previous_label)s, %(present)s::bytea, %(present_label)s)
where %(previous)s::bytea <> %(present)s::bytea
