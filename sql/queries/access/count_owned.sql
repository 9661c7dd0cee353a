-- Count what depends on the secret: owners and their rows, links and alerts.
with
owned as (
    select requests.user_key_hmac
    from requests
    where requests.user_key_hmac is not null
    union
    select api_keys.user_key_hmac
    from api_keys
    where api_keys.user_key_hmac is not null
    union
    select collections.user_key_hmac
    from collections
    where collections.user_key_hmac is not null
    union
    select alerts.user_key_hmac
    from alerts
    where alerts.user_key_hmac is not null
)

select
    (select count(*) from owned) as owners,
    (
        select count(*) from requests
        where requests.user_key_hmac is not null
    ) as requests,
    (
        select count(*) from api_keys
        where
            api_keys.user_key_hmac is not null
            and is_live(api_keys)
    ) as keys,
    (
        select count(*) from requests
        where requests.share_token_hash is not null
    )
    + (
        select count(*) from collections
        where collections.share_token_hash is not null
    ) as links,
    (select count(*) from alerts) as alerts
