-- Delete the notes of a secret rotation about an owner.
delete from former_owners
where %(owner)s in (user_key_hmac, present_hmac)
