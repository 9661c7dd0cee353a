-- Find the callers that a list of keys belongs to: issued keys first, then user API keys seen in a trace.
-- A sign-in represents the key that signed in. The Python code checks the proof of the configured admin key.
with
asked as (
    select
        asked.ordinal,
        coalesce(sign_ins.key_hash, asked.key_hash) as key_hash,
        present_owner(coalesce(sign_ins.user_key_hmac, asked.user_key_hmac)) as user_key_hmac,
        sign_ins.admin_proof,
        sign_ins.expires_at
    from
        unnest(
            %(key_hashes)s::bytea[],
            %(user_key_hmacs)s::bytea[],
            %(token_hashes)s::bytea[],
            %(previous_token_hashes)s::bytea[]
        )
        with ordinality as asked (key_hash, user_key_hmac, token_hash, previous_token_hash, ordinal)
    left join sign_ins
        on sign_ins.token_hash in (asked.token_hash, asked.previous_token_hash) and sign_ins.expires_at > now()
),

ours as (
    select
        asked.ordinal,
        api_keys.id as key_id,
        coalesce(api_keys.root_id, api_keys.id) as root_id,
        api_keys.name,
        api_keys.is_admin,
        api_keys.scopes,
        api_keys.user_key_hmac,
        api_keys.user_key_label,
        least(api_keys.expires_at, asked.expires_at) as expires_at,
        (
            select max(former_owners.user_key_hmac) from former_owners
            where former_owners.present_hmac = api_keys.user_key_hmac
        ) as previous_hmac,
        coalesce(api_keys.last_used_at < now() - interval '5 minutes', true) as stale,
        -- A rotated key keeps working for programs, but its browsers sign in again.
        is_live(api_keys) and (asked.expires_at is null or api_keys.replaced_at is null) as is_live
    from asked
    inner join api_keys on asked.key_hash = api_keys.key_hash
),

theirs as (
    select
        asked.ordinal,
        asked.user_key_hmac,
        asked.expires_at,
        (
            select requests.user_key_label
            from requests
            where requests.user_key_hmac = asked.user_key_hmac
            order by requests.id
            limit 1
        ) as user_key_label
    from asked
    where not exists (
        select from ours
        where ours.ordinal = asked.ordinal
    )
)

select
    ours.ordinal,
    ours.key_id,
    ours.root_id,
    ours.name,
    ours.is_admin,
    ours.scopes,
    ours.user_key_hmac,
    ours.user_key_label,
    ours.previous_hmac,
    ours.expires_at,
    ours.stale,
    null::bytea as admin_proof
from ours
where ours.is_live
union all
select
    theirs.ordinal,
    null as key_id,
    null as root_id,
    theirs.user_key_label as name,
    false as is_admin,
    array['read', 'curate', 'delete'] as scopes,
    theirs.user_key_hmac,
    theirs.user_key_label,
    null as previous_hmac,
    theirs.expires_at,
    false as stale,
    null::bytea as admin_proof
from theirs
where theirs.user_key_label is not null
union all
select
    asked.ordinal,
    null as key_id,
    null as root_id,
    'admin' as name,
    false as is_admin,
    array[]::text[] as scopes,
    null as user_key_hmac,
    null as user_key_label,
    null as previous_hmac,
    asked.expires_at,
    false as stale,
    asked.admin_proof
from asked
where asked.admin_proof is not null
