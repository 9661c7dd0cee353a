-- Delete a user's calibrators, which contain scores of the user's requests.
delete from calibrators
where user_key_hmac = %(owner)s
