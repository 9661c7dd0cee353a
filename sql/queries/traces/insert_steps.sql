insert into request_steps (
    request_pk,
    step_index,
    generation_step,
    token,
    token_text,
    forced,
    forced_by,
    adjusted_logits,
    discarded,
    prob,
    prob_upper_bound,
    logprob,
    surprisal,
    cum_nll,
    rank,
    entropy,
    missing_mass,
    flatness,
    margin,
    token_confidence
)
select
    (
        select requests.id from requests
        where requests.request_id = %(request_id)s
    ),
    -- Its columns are those of the insert, in the same order.
    step.* -- noqa: AM04
from
    unnest(
        %(step_index)s::integer[],
        %(generation_step)s::integer[],
        %(token)s::integer[],
        %(token_text)s::text[],
        %(forced)s::boolean[],
        %(forced_by)s::text[],
        %(adjusted_logits)s::boolean[],
        %(discarded)s::boolean[],
        %(prob)s::double precision[],
        %(prob_upper_bound)s::double precision[],
        %(logprob)s::double precision[],
        %(surprisal)s::double precision[],
        %(cum_nll)s::double precision[],
        %(rank)s::integer[],
        %(entropy)s::double precision[],
        %(missing_mass)s::double precision[],
        %(flatness)s::double precision[],
        %(margin)s::double precision[],
        %(token_confidence)s::double precision[]
    ) as step
