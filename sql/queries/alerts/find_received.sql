-- Find a request that was received since a time.
select requests.id
from requests
where
    requests.ingested_at > %(since)s::timestamptz
    and request_matches(requests, %(filters)s::feed_filters)
order by requests.ingested_at desc
limit 1
