-- Rank a request among the newest requests of its model, and find its neighbors in the feed.
with
this as (
    select
        requests.id,
        requests.created_at,
        requests.model,
        requests.sequence_confidence
    from requests
    where
        requests.request_id = %(request_id)s
        and (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
),

ranked as (
    select
        count(*) as n,
        count(*) filter (where newest.sequence_confidence < this.sequence_confidence) as lower,
        count(*) filter (where newest.sequence_confidence = this.sequence_confidence) as equal
    from this
    cross join
        lateral (
            select requests.sequence_confidence
            from requests
            where
                requests.model = this.model
                and (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
            order by requests.created_at desc, requests.id desc
            limit %(ranked)s
        ) as newest
    where newest.sequence_confidence is not null
)

select
    this.model,
    this.sequence_confidence,
    ranked.n,
    ranked.lower,
    ranked.equal,
    (
        select requests.request_id
        from requests
        where
            (requests.created_at, requests.id) > (this.created_at, this.id)
            and request_matches(requests, %(filters)s::feed_filters)
        order by requests.created_at asc, requests.id asc
        limit 1
    ) as newer,
    (
        select requests.request_id
        from requests
        where
            (requests.created_at, requests.id) < (this.created_at, this.id)
            and request_matches(requests, %(filters)s::feed_filters)
        order by requests.created_at desc, requests.id desc
        limit 1
    ) as older
from this
cross join ranked
