-- Find the user that a label belongs to, searching the range of HMACs that share its digits.
select
    user_key_hmac,
    min(user_key_label) as user_key_label
from (
    select
        requests.user_key_hmac,
        requests.user_key_label
    from requests
    union
    select
        api_keys.user_key_hmac,
        api_keys.user_key_label
    from api_keys
) as known
where user_key_hmac between %(lowest)s and %(highest)s and user_key_label = %(label)s
group by user_key_hmac
order by user_key_hmac
limit 1
