-- Count what depends on the secret: owners and their rows, links and alerts, and the owners that wait for a rotation.
with
waiting as (
    select former_owners.user_key_hmac
    from former_owners
    where has_rows(former_owners.user_key_hmac, only_live => true)
)

select
    (select count(distinct owners.user_key_hmac) from owners) as owners,
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
    (select count(*) from alerts) as alerts,
    (select count(*) from waiting) as waiting,
    (
        select count(*) from requests
        where requests.user_key_hmac in (select waiting.user_key_hmac from waiting)
    ) as waiting_requests
