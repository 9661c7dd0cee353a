-- Delete up to 100 playground keys that are older than a day and were never used. The UI uses a new key immediately.
-- A revoked key stays, because without its row it would be an ordinary user API key of the traces that contain it.
delete from api_keys
where
    id in (
        select unused.id
        from api_keys as unused
        where
            unused.is_playground
            and unused.last_used_at is null
            and unused.created_at < now() - interval '1 day'
            and is_live(unused)
        order by unused.id
        limit 100
        for update skip locked
    )
