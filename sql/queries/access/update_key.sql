-- Change the given fields of an API key that is not revoked.
update api_keys
set
    name = coalesce(%(name)s::text, name),
    description = case when %(sets_description)s then %(description)s::text else description end,
    is_admin = coalesce(%(is_admin)s::boolean, is_admin),
    -- A key that loses is_admin also loses the admin's scopes.
    scopes = case
        when coalesce(%(is_admin)s::boolean, is_admin)
            then array['admin', 'curate', 'delete', 'ingest', 'read', 'read_all']
        else coalesce(%(scopes)s::text[], case when is_admin then array['curate', 'read'] else scopes end)
    end,
    user_key_hmac = case when %(sets_owner)s then %(user_key_hmac)s::bytea else user_key_hmac end,
    user_key_label = case when %(sets_owner)s then %(user_key_label)s::text else user_key_label end,
    updated_at = now()
where id = %(key_id)s and revoked_at is null
returning id
