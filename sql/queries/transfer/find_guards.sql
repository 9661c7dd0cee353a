-- Count the live admin keys and return the generated secret, if there is one.
select
    (
        select count(*) from api_keys
        where
            api_keys.is_admin
            and api_keys.revoked_at is null
            and coalesce(api_keys.expires_at > now(), true)
    ) as admin_keys,
    (select max(generated_secret.secret) from generated_secret) as kept_secret
