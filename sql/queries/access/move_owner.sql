-- Move all rows of an owner to the present secret.
select move_owner(%(former)s, %(former_label)s, %(present)s, %(present_label)s)
