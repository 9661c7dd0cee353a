-- List the newest labeled requests, one per group, with the latest outcome and some scores in the given order.
-- The answers to one prompt are not independent, so only the first labeled request of a group counts, over all owners.
-- With held_out, requests that their calibrator may be fitted to don't count: older ones from the period of its labels.
with
latest as (
    select distinct on (outcomes.request_pk)
        outcomes.request_pk,
        outcomes.correct
    from outcomes
    where
        outcomes.correct is not null
        and (%(outcome_source)s::text is null or outcomes.source = %(outcome_source)s::text)
    order by outcomes.request_pk asc, outcomes.recorded_at desc, outcomes.source asc
),

independent as (
    select distinct on (requests.group_id, coalesce(requests.group_id, requests.id::text))
        requests.id,
        requests.created_at,
        latest.correct
    from latest
    inner join requests on latest.request_pk = requests.id
    where
        request_matches(requests, %(filters)s::feed_filters)
        and (%(k)s::integer is null or requests.k = %(k)s::integer)
    order by requests.group_id, coalesce(requests.group_id, requests.id::text), requests.id
)

select
    requests.model,
    requests.k,
    requests.logprobs_mode,
    requests.created_at,
    independent.correct,
    array(
        select score_of(requests, named.score)
        from unnest(%(scores)s::text[]) with ordinality as named (score, ordinal)
        order by named.ordinal
    ) as scores
from independent
inner join requests on independent.id = requests.id
where
    not %(held_out)s::boolean
    or exists (
        select from calibrators
        where
            calibrators.id = requests.calibrator_id
            and (
                requests.created_at not between calibrators.labelled_from and calibrators.labelled_to
                or (requests.ingested_at > calibrators.created_at and requests.revision = 1)
            )
    )
order by independent.created_at desc, independent.id desc
limit %(limit)s
