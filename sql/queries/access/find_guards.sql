-- Count the live admin keys, and get the generated secret and the fingerprint of the secret, if there are any.
select
    (
        select count(*) from api_keys
        where
            api_keys.is_admin
            and is_live(api_keys)
    ) as admin_keys,
    (select max(generated_secret.secret) from generated_secret) as kept_secret,
    (select max(environment.secret_fingerprint) from environment) as fingerprint
