-- List one score of the newest requests in a period.
select
    k,
    score_of(requests, %(score)s) as value
from requests
where
    k is not null
    and request_matches(requests, %(filters)s::feed_filters)
order by created_at desc, id desc
limit %(limit)s
