-- Sign out all browsers that have signed in with a key. Both parameters are null for the configured admin key.
-- If the key's row was just deleted, its hash is unknown, and so are its browsers.
-- Unused links also end: they sign in with the configured admin key.
with
links as (
    delete from sign_in_links
    where num_nonnulls(%(key_id)s::bigint, %(user_key_hmac)s::bytea) = 0
)

delete from sign_ins
where
    key_hash is not distinct from (
        select api_keys.key_hash
        from api_keys
        where api_keys.id = %(key_id)s::bigint
    )
    and user_key_hmac is not distinct from %(user_key_hmac)s::bytea
    and (%(key_id)s::bigint is null or key_hash is not null)
returning token_hash
