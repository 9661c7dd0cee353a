-- List the first top-k lists of the prompts that occur repeatedly in a baseline and at least once in another period.
-- The answers to one prompt in one call share its list, so only the first request of a group counts.
with
timed as (
    (
        select
            requests.id,
            requests.created_at,
            true as is_baseline
        from requests
        where
            requests.k is not null
            and request_matches(requests, %(baseline)s::feed_filters)
        order by requests.created_at desc, requests.id desc
        limit %(values)s
    )
    union all
    (
        select
            requests.id,
            requests.created_at,
            false as is_baseline
        from requests
        where
            requests.k is not null
            and request_matches(requests, %(current)s::feed_filters)
            and request_matches(requests, %(baseline)s::feed_filters) is not true
        order by requests.created_at desc, requests.id desc
        limit %(values)s
    )
),

independent as (
    select distinct on (
        requests.user_key_hmac,
        requests.group_id,
        coalesce(requests.group_id, requests.id::text),
        step_logit_summaries.prompt_digest
    )
        timed.id,
        timed.created_at,
        timed.is_baseline,
        requests.model,
        step_logit_summaries.prompt_digest
    from timed
    inner join requests on timed.id = requests.id
    inner join step_logit_summaries on requests.id = step_logit_summaries.request_pk
    where
        step_logit_summaries.prompt_digest is not null
        and step_logit_summaries.first_tokens is not null
    order by
        requests.user_key_hmac,
        requests.group_id,
        coalesce(requests.group_id, requests.id::text),
        step_logit_summaries.prompt_digest,
        requests.id
),

newest as (
    select
        id,
        is_baseline,
        model,
        prompt_digest,
        row_number() over (
            partition by model, prompt_digest, is_baseline
            order by created_at desc, id desc
        ) as ordinal
    from independent
),

recurring as (
    select
        model,
        prompt_digest
    from newest
    where ordinal <= %(repeats)s
    group by model, prompt_digest
    having
        count(*) filter (where is_baseline) >= %(least)s
        and count(*) filter (where not is_baseline) > 0
    order by count(*) desc, prompt_digest asc, model asc
    limit %(prompts)s
)

select
    newest.id,
    newest.is_baseline,
    newest.model,
    newest.prompt_digest,
    step_logit_summaries.first_tokens as tokens,
    step_logit_summaries.first_logprobs as logprobs
from recurring
inner join newest on recurring.prompt_digest = newest.prompt_digest
inner join step_logit_summaries on newest.id = step_logit_summaries.request_pk
where
    newest.ordinal <= %(repeats)s
    and newest.model is not distinct from recurring.model
