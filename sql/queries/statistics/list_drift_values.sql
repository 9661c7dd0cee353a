-- List one score of the newest requests in a period.
select
    k,
    score_of(requests, %(score)s) as value
from requests
where
    k is not null
    and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    and (%(from)s::timestamptz is null or created_at >= %(from)s::timestamptz)
    and (%(to)s::timestamptz is null or created_at < %(to)s::timestamptz)
    and (%(model)s::text is null or model = %(model)s::text)
    and (%(mod)s::text is null or mods @> array[%(mod)s::text])
order by created_at desc, id desc
limit %(limit)s
