-- Delete a user's collections, alerts with their events, calibrators, sign-ins and playground keys.
-- The notes about the user are those of a rotation of the secret.
with
gone_collections as (
    delete from collections
    where user_key_hmac = %(owner)s
),

gone_alerts as (
    delete from alerts
    where user_key_hmac = %(owner)s
),

gone_calibrators as (
    delete from calibrators
    where user_key_hmac = %(owner)s
),

gone_sign_ins as (
    delete from sign_ins
    where user_key_hmac = %(owner)s
),

gone_notes as (
    delete from former_owners
    where %(owner)s in (user_key_hmac, present_hmac)
)

delete from api_keys
where is_playground and user_key_hmac = %(owner)s
