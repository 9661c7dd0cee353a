-- Record that an API key was used now.
-- A slow transaction may be recording the same: nobody waits for it.
update api_keys
set last_used_at = now()
where
    id = (
        select touched.id
        from api_keys as touched
        where touched.id = %(key_id)s
        for update skip locked
    )
