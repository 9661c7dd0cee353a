-- Count the requests that a deletion covers, those on legal hold, and the user's collections, alerts and keys.
select
    count(*) filter (where legal_holds.request_pk is null) as deletable,
    count(legal_holds.request_pk) as held,
    (
        select count(*) from activation_runs
        where
            activation_runs.user_key_hmac = %(owner)s::bytea
            and (%(before)s::timestamptz is null or activation_runs.created_at < %(before)s::timestamptz)
    )
    + case
        when %(before)s::timestamptz is null
            then
                (
                    select count(*) from collections
                    where collections.user_key_hmac = %(owner)s::bytea
                )
                + (
                    select count(*) from alerts
                    where alerts.user_key_hmac = %(owner)s::bytea
                )
                + (
                    select count(*) from api_keys
                    where api_keys.is_playground and api_keys.user_key_hmac = %(owner)s::bytea
                )
        else 0
    end as others
from requests
left join legal_holds on requests.id = legal_holds.request_pk
where
    (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
    and (%(before)s::timestamptz is null or requests.ingested_at < %(before)s::timestamptz)
