-- Count the live admin keys, and get the generated secret and the fingerprints of the secrets, if there are any.
select
    (
        select count(*) from api_keys
        where
            api_keys.is_admin
            and is_live(api_keys)
    ) as admin_keys,
    (select max(generated_secret.secret) from generated_secret) as kept_secret,
    (select max(environment.secret_fingerprint) from environment) as fingerprint,
    (select max(environment.previous_fingerprint) from environment) as previous_fingerprint,
    (
        select count(*) from (
            select former_owners.user_key_hmac from former_owners
            where former_owners.present_hmac is null and has_rows(former_owners.user_key_hmac, only_live => true)
            order by former_owners.user_key_hmac
            limit 1
        ) as waiting
    ) > 0 as is_waiting
