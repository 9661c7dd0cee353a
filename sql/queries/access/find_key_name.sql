-- What to call a key instead of showing it: a given-out one, live or not, by its name, a user's by its label.
select
    coalesce(
        (
            select api_keys.name
            from api_keys
            where api_keys.key_hash = %(key_hash)s
        ),
        case
            when exists (
                select from requests
                where requests.user_key_hmac = %(user_key_hmac)s
            )
            or exists (
                select from api_keys
                where api_keys.user_key_hmac = %(user_key_hmac)s
            ) then %(label)s::text
        end
    ) as name
