-- Count the requests and tokens that an export with these filters covers.
select
    count(*) as requests,
    coalesce(sum(requests.tokens), 0) as tokens
from requests
where request_matches(requests, %(filters)s::feed_filters)
