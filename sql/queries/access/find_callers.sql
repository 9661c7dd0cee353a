-- Find the callers that a list of keys belongs to: issued keys first, then user API keys seen in a trace.
with
asked as (
    select
        asked.key_hash,
        asked.user_key_hmac,
        asked.ordinal
    from
        unnest(%(key_hashes)s::bytea[], %(user_key_hmacs)s::bytea[])
        with ordinality as asked (key_hash, user_key_hmac, ordinal)
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
        api_keys.expires_at,
        coalesce(api_keys.last_used_at < now() - interval '5 minutes', true) as stale,
        is_live(api_keys) as is_live
    from asked
    inner join api_keys on asked.key_hash = api_keys.key_hash
),

theirs as (
    select
        asked.ordinal,
        asked.user_key_hmac,
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
    ours.expires_at,
    ours.stale
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
    null as expires_at,
    false as stale
from theirs
where theirs.user_key_label is not null
