-- Find the name to show in place of a text that is a key.
select name_of_key(%(key_hash)s, %(user_key_hmac)s, %(label)s) as name
