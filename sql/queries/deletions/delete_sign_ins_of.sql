-- Sign a user out everywhere.
delete from sign_ins
where user_key_hmac = %(owner)s
