-- Count the requests that have a score, and those beyond the threshold.
select
    count(*) as n,
    count(*) filter (
        where
        case
            when %(fires_above)s::boolean then scored.value > %(threshold)s::double precision
            else scored.value < %(threshold)s::double precision
        end
    ) as beyond
from (
    select score_of(requests, %(score)s) as value
    from requests
    where request_matches(requests, %(filters)s::feed_filters)
) as scored
where scored.value is not null
