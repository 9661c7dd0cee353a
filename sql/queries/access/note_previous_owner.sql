-- Note an owner under the previous secret whose rows are imported. Without a rotation, this begins one.
with
begun as (
    update environment
    set previous_fingerprint = %(secret)s
    where previous_fingerprint is null
)

insert into former_owners (user_key_hmac, user_key_label)
values (%(owner)s, %(label)s)
on conflict (user_key_hmac) do nothing
