select name_of_key(%(key_hash)s, %(user_key_hmac)s, %(label)s) as name
