-- Sign a browser in unless its key was rotated, and delete sign-ins that have expired or exceed the limit of the key.
with
obsolete as (
    delete from sign_ins
    where
        expires_at <= now()
        or token_hash in (
            select own.token_hash
            from sign_ins as own
            where
                own.key_hash is not distinct from %(key_hash)s::bytea
                and own.user_key_hmac is not distinct from %(user_key_hmac)s::bytea
            order by own.created_at desc
            offset %(most)s::integer - 1
        )
)

insert into sign_ins (token_hash, key_hash, user_key_hmac, admin_proof, expires_at)
select
    %(token_hash)s,
    %(key_hash)s::bytea,
    %(user_key_hmac)s::bytea,
    %(admin_proof)s::bytea,
    now() + make_interval(secs => %(lifetime_s)s)
where
    not exists (
        select from api_keys
        where api_keys.key_hash = %(key_hash)s::bytea and api_keys.replaced_at is not null
    )
returning token_hash
