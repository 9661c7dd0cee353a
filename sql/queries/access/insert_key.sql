-- Insert an API key.
insert into api_keys (
    key_hash,
    key_prefix,
    name,
    description,
    is_admin,
    scopes,
    user_key_hmac,
    user_key_label,
    expires_at
)
values (
    %(key_hash)s,
    %(key_prefix)s,
    %(name)s,
    %(description)s::text,
    %(is_admin)s,
    %(scopes)s,
    %(user_key_hmac)s::bytea,
    %(user_key_label)s::text,
    %(expires_at)s::timestamptz
)
returning id
