-- Count the requests that a deletion covers, those on legal hold, and the rows that delete_belongings.sql deletes.
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
            then (
                select count(*)
                from (
                    select collections.user_key_hmac from collections
                    union all
                    select alerts.user_key_hmac from alerts
                    union all
                    select calibrators.user_key_hmac from calibrators
                    union all
                    select sign_ins.user_key_hmac from sign_ins
                    union all
                    select api_keys.user_key_hmac from api_keys
                    where api_keys.is_playground
                ) as belongings
                where belongings.user_key_hmac = %(owner)s::bytea
            )
        else 0
    end as others
from requests
left join legal_holds on requests.id = legal_holds.request_pk
where
    (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
    and (%(before)s::timestamptz is null or requests.ingested_at < %(before)s::timestamptz)
