-- Insert a key of the playground, which is the user of its own requests.
insert into api_keys (
    key_hash,
    key_prefix,
    name,
    is_admin,
    scopes,
    user_key_hmac,
    user_key_label,
    is_playground
)
values (
    %(key_hash)s,
    %(key_prefix)s,
    %(name)s,
    false,
    %(scopes)s,
    %(user_key_hmac)s,
    %(user_key_label)s,
    true
)
