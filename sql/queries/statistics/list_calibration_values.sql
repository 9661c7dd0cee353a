-- List one score of the newest requests with a verdict, with the verdict.
select
    outcomes.correct,
    score_of(requests, %(score)s) as value
from outcomes
inner join requests on outcomes.request_pk = requests.id
where
    outcomes.correct is not null
    and (%(source)s::text is null or outcomes.source = %(source)s::text)
    and request_matches(requests, %(filters)s::feed_filters)
order by requests.created_at desc, requests.id desc
limit %(limit)s
