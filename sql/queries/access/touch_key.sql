-- Record that an API key was used now.
update api_keys
set last_used_at = now()
where id = %(key_id)s
