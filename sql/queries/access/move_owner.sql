-- Move all rows of an owner to the present secret, unless that is the previous one.
select move_owner(%(former)s::bytea, %(former_label)s, %(present)s::bytea, %(present_label)s)
where %(former)s::bytea <> %(present)s::bytea
