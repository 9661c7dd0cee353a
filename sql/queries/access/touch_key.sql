-- Record that an API key was used now.
-- If another transaction is recording the use of the same key, this one does not wait for it.
update api_keys
set last_used_at = now()
where
    id = (
        select touched.id
        from api_keys as touched
        where touched.id = %(key_id)s
        for update skip locked
    )
