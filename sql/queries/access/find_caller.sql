with
ours as (
    select
        api_keys.id as key_id,
        coalesce(api_keys.root_id, api_keys.id) as root_id,
        api_keys.name,
        api_keys.is_admin,
        api_keys.scopes,
        api_keys.user_key_hmac,
        api_keys.user_key_label,
        coalesce(api_keys.last_used_at < now() - interval '5 minutes', true) as stale,
        api_keys.revoked_at is null and coalesce(api_keys.expires_at > now(), true) as is_live
    from api_keys
    where api_keys.key_hash = %(key_hash)s
),

theirs as (
    select
        requests.user_key_hmac,
        requests.user_key_label
    from requests
    where requests.user_key_hmac = %(user_key_hmac)s
    order by requests.id
    limit 1
)

select
    ours.key_id,
    ours.root_id,
    ours.name,
    ours.is_admin,
    ours.scopes,
    ours.user_key_hmac,
    ours.user_key_label,
    ours.stale
from ours
where ours.is_live
union all
select
    null as key_id,
    null as root_id,
    theirs.user_key_label as name,
    false as is_admin,
    array['read', 'curate'] as scopes,
    theirs.user_key_hmac,
    theirs.user_key_label,
    false as stale
from theirs
where not exists (select 1 from ours)
