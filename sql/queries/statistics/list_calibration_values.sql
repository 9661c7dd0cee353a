-- List one score of the newest requests with a verdict, with the verdict.
select
    outcomes.correct,
    score_of(requests, %(score)s) as value
from outcomes
inner join requests on outcomes.request_pk = requests.id
where
    outcomes.correct is not null
    and (%(source)s::text is null or outcomes.source = %(source)s::text)
    and (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
    and (%(from)s::timestamptz is null or requests.created_at >= %(from)s::timestamptz)
    and (%(to)s::timestamptz is null or requests.created_at < %(to)s::timestamptz)
    and (%(model)s::text is null or requests.model = %(model)s::text)
    and (%(mod)s::text is null or requests.mods @> array[%(mod)s::text])
order by requests.created_at desc, requests.id desc
limit %(limit)s
