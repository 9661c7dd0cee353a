-- Measure the confidence of the models with the most requests since a time, from at most so many of their requests.
with
newest as (
    select
        requests.model,
        requests.sequence_confidence
    from requests
    where requests.ingested_at > now() - make_interval(secs => %(period_s)s::integer)
    order by requests.ingested_at desc
    limit %(most_requests)s
)

select
    coalesce(newest.model, '') as model,
    avg(newest.sequence_confidence) as mean,
    percentile_cont(0.05) within group (order by newest.sequence_confidence) as p5,
    avg((newest.sequence_confidence < %(low)s::double precision)::integer)::double precision as low_share
from newest
where newest.sequence_confidence is not null
group by newest.model
order by count(*) desc, newest.model
limit %(most_models)s
