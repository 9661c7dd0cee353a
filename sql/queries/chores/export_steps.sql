select
    requests.request_id,
    request_steps.step_index,
    request_steps.generation_step,
    request_steps.token,
    request_steps.token_text,
    request_steps.forced,
    request_steps.forced_by,
    request_steps.adjusted_logits,
    request_steps.discarded,
    request_steps.prob,
    request_steps.prob_upper_bound,
    request_steps.logprob,
    request_steps.surprisal,
    request_steps.cum_nll,
    request_steps.rank,
    request_steps.entropy,
    request_steps.missing_mass,
    request_steps.flatness,
    request_steps.margin,
    request_steps.token_confidence
from requests
inner join request_steps on requests.id = request_steps.request_pk
where
    (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
    and request_matches(
        requests,
        %(model)s::text,
        %(mod)s::text,
        %(tag)s::text,
        %(favorited_by)s::text,
        %(created_from)s::timestamptz,
        %(created_to)s::timestamptz,
        %(min_confidence)s::double precision,
        %(max_confidence)s::double precision,
        %(has_exception)s::boolean,
        websearch_to_tsquery('simple', %(q)s::text)
    )
order by requests.id, request_steps.step_index
