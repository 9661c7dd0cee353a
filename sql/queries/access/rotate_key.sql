-- Replace a live API key with a successor that has the same rights, and expire the old one after an overlap.
with
present as (
    select
        id,
        root_id,
        name,
        description,
        is_admin,
        scopes,
        user_key_hmac,
        user_key_label,
        expires_at,
        is_playground
    from api_keys
    where
        id = %(key_id)s
        and is_live(api_keys)
        and replaced_at is null
    for update
),

retired as (
    update api_keys
    set
        expires_at = least(api_keys.expires_at, now() + make_interval(secs => %(overlap_s)s)),
        replaced_at = now(),
        updated_at = now()
    from present
    where api_keys.id = present.id
)

insert into api_keys (
    root_id,
    key_hash,
    key_prefix,
    name,
    description,
    is_admin,
    scopes,
    user_key_hmac,
    user_key_label,
    expires_at,
    is_playground
)
select
    coalesce(present.root_id, present.id),
    %(key_hash)s,
    %(key_prefix)s,
    present.name,
    present.description,
    present.is_admin,
    present.scopes,
    present.user_key_hmac,
    present.user_key_label,
    present.expires_at,
    present.is_playground
from present
returning id
