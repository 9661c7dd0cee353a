-- Delete a user's alerts and their events.
delete from alerts
where user_key_hmac = %(owner)s
