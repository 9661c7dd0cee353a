-- List the users that have requests, most recently active first.
-- Counts come from the index alone. The label comes from one request of each user.
with
counted as (
    select
        requests.user_key_hmac,
        count(*) as request_count,
        max(requests.created_at) as latest_request_at,
        count(*) over () as total
    from requests
    where
        requests.user_key_hmac is not null
        and (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
    group by requests.user_key_hmac
    order by max(requests.created_at) desc
    limit %(limit)s
)

select
    named.user_key_label as api_key,
    counted.request_count,
    counted.latest_request_at,
    counted.total
from counted
cross join
    lateral (
        select requests.user_key_label
        from requests
        where requests.user_key_hmac = counted.user_key_hmac
        order by requests.created_at desc
        limit 1
    ) as named
order by counted.latest_request_at desc, api_key asc
