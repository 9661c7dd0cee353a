-- Revoke an API key.
update api_keys
set revoked_at = now(), updated_at = now()
where id = %(key_id)s and revoked_at is null
returning id
