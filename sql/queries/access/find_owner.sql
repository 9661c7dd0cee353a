-- Find the user that a label belongs to, searching the range of HMACs that share its digits.
-- During a rotation, a label under the previous secret also finds the user.
with
known as (
    select
        requests.user_key_hmac,
        requests.user_key_label,
        requests.user_key_label as label
    from requests
    where requests.user_key_hmac between %(lowest)s and %(highest)s
    union
    select
        api_keys.user_key_hmac,
        api_keys.user_key_label,
        api_keys.user_key_label as label
    from api_keys
    where api_keys.user_key_hmac between %(lowest)s and %(highest)s
    union
    select
        activation_runs.user_key_hmac,
        activation_runs.user_key_label,
        activation_runs.user_key_label as label
    from activation_runs
    where activation_runs.user_key_hmac between %(lowest)s and %(highest)s
    union
    select
        former_owners.present_hmac,
        former_owners.present_label,
        former_owners.user_key_label as label
    from former_owners
    where former_owners.present_hmac is not null and former_owners.user_key_hmac between %(lowest)s and %(highest)s
)

select
    known.user_key_hmac as hmac,
    min(known.user_key_label) as label
from known
where known.label = %(label)s
group by known.user_key_hmac
order by known.user_key_hmac
limit 1
