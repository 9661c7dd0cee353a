-- Measure the models with the most requests since a time, from at most a given number of their requests.
with
newest as (
    select
        requests.id,
        coalesce(requests.model, '') as model,
        requests.sequence_confidence,
        requests.tokens,
        requests.has_exception
    from requests
    where requests.ingested_at > now() - make_interval(secs => %(period_s)s::integer)
    order by requests.ingested_at desc
    limit %(most_requests)s
)

select
    newest.model,
    count(*) as requests,
    sum(newest.tokens)::bigint as tokens,
    sum(request_traces.document_bytes)::bigint as bytes,
    count(*) filter (where newest.has_exception) as exceptions,
    avg(newest.sequence_confidence) as mean,
    percentile_cont(0.05) within group (order by newest.sequence_confidence) as p5,
    avg((newest.sequence_confidence < %(low)s::double precision)::integer)::double precision as low_share
from newest
inner join request_traces on newest.id = request_traces.request_pk
group by newest.model
order by requests desc, newest.model asc
limit %(most_models)s
