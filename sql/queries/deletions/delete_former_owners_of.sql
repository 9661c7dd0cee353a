-- Delete what a rotation of the secret noted of an owner.
delete from former_owners
where %(owner)s in (user_key_hmac, present_hmac)
