-- Write the arrays derived from a request's document, and delete the previous revision's mod calls, logs and actions.
with
request as (
    select id
    from requests
    where request_id = %(request_id)s
),

deleted_actions as (
    delete from actions
    using request
    where actions.request_pk = request.id
),

deleted_logs as (
    delete from mod_logs
    using request
    where mod_logs.request_pk = request.id
),

deleted_calls as (
    delete from mod_calls
    using request
    where mod_calls.request_pk = request.id
),

written_steps as (
    insert into request_steps (
        request_pk,
        generation_step,
        token,
        token_text,
        forced,
        forced_by,
        adjusted_logits,
        discarded,
        logprob,
        prob_upper_bound,
        rank,
        entropy,
        missing_mass,
        flatness,
        margin,
        token_confidence
    )
    select
        request.id,
        %(step_generation_step)s,
        %(token)s,
        %(token_text)s,
        %(forced)s,
        %(forced_by)s::text[],
        %(adjusted_logits)s,
        %(discarded)s,
        %(logprob)s,
        %(prob_upper_bound)s,
        %(rank)s,
        %(entropy)s,
        %(missing_mass)s,
        %(flatness)s,
        %(margin)s,
        %(token_confidence)s
    from request
    on conflict (request_pk) do update
        set
            generation_step = excluded.generation_step,
            token = excluded.token,
            token_text = excluded.token_text,
            forced = excluded.forced,
            forced_by = excluded.forced_by,
            adjusted_logits = excluded.adjusted_logits,
            discarded = excluded.discarded,
            logprob = excluded.logprob,
            prob_upper_bound = excluded.prob_upper_bound,
            rank = excluded.rank,
            entropy = excluded.entropy,
            missing_mass = excluded.missing_mass,
            flatness = excluded.flatness,
            margin = excluded.margin,
            token_confidence = excluded.token_confidence
)

insert into step_logit_summaries (
    request_pk,
    generation_step,
    k,
    top_p_count,
    top_p_cutoff,
    prompt_digest,
    first_tokens,
    first_logprobs
)
select
    request.id,
    %(pass_generation_step)s,
    %(k)s,
    %(top_p_count)s,
    %(top_p_cutoff)s,
    %(prompt_digest)s::bigint,
    %(first_tokens)s::integer[],
    %(first_logprobs)s::real[]
from request
on conflict (request_pk) do update
    set
        generation_step = excluded.generation_step,
        k = excluded.k,
        top_p_count = excluded.top_p_count,
        top_p_cutoff = excluded.top_p_cutoff,
        prompt_digest = excluded.prompt_digest,
        first_tokens = excluded.first_tokens,
        first_logprobs = excluded.first_logprobs
