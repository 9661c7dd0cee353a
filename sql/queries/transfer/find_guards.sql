-- Count the live admin keys and return the generated secret, if there is one.
select
    (
        select count(*) from api_keys
        where
            api_keys.is_admin
            and is_live(api_keys)
    ) as admin_keys,
    (select max(generated_secret.secret) from generated_secret) as kept_secret
