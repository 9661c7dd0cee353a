-- Delete a user's key of the playground.
delete from api_keys
where is_playground and user_key_hmac = %(owner)s
