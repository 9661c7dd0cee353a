-- End a rotation, unless rows of an owner still have the previous secret and must not be abandoned.
select end_rotation() as is_ended
where
    %(gives_up)s
    or not exists (
        select from former_owners
        where has_rows(former_owners.user_key_hmac, only_live => true)
    )
