select
    exists (
        select from requests
        where requests.user_key_hmac = %(user_key_hmac)s
    )
    or exists (
        select from api_keys
        where api_keys.user_key_hmac = %(user_key_hmac)s
    ) as is_known
