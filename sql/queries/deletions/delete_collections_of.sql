-- Delete a user's collections.
delete from collections
where user_key_hmac = %(owner)s
