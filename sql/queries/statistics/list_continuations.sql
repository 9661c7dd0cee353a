-- List how other requests with the same prompt and model continued the text of a request at one of its tokens.
-- Discarded tokens are skipped.
with
this as (
    select
        requests.id,
        requests.model,
        step_logit_summaries.prompt_digest,
        context.tokens,
        context.texts
    from requests
    inner join step_logit_summaries on requests.id = step_logit_summaries.request_pk
    inner join request_steps on requests.id = request_steps.request_pk
    cross join
        lateral (
            select
                coalesce(array_agg(step.token order by step.ordinal), '{}') as tokens,
                coalesce(array_agg(step.token_text order by step.ordinal), '{}') as texts
            from
                unnest(
                    request_steps.token[1:%(index)s],
                    request_steps.token_text[1:%(index)s],
                    request_steps.discarded[1:%(index)s]
                ) with ordinality as step (token, token_text, discarded, ordinal)
            where not step.discarded
        ) as context
    where
        requests.request_id = %(request_id)s
        and (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
        and request_steps.discarded[%(index)s + 1] is false
),

candidates as (
    select
        requests.id,
        requests.request_id,
        requests.sequence_confidence,
        this.tokens,
        this.texts,
        cardinality(this.tokens) as length
    from this
    cross join
        lateral (
            select step_logit_summaries.request_pk
            from step_logit_summaries
            where step_logit_summaries.prompt_digest = this.prompt_digest
            order by step_logit_summaries.request_pk desc
            limit %(candidates)s
        ) as prompted
    inner join requests on prompted.request_pk = requests.id
    where
        requests.id <> this.id
        and requests.model is not distinct from this.model
        and (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
    order by requests.id desc
    limit %(limit)s
)

select
    candidates.request_id,
    candidates.sequence_confidence,
    kept.tokens[candidates.length + 1] as token,
    kept.texts[candidates.length + 1] as token_text,
    kept.ordinals[candidates.length + 1] - 1 as index,
    array_to_string(
        kept.texts[candidates.length + 2:candidates.length + 1 + %(following)s], '', U&'\FFFD'
    ) as following
from candidates
inner join request_steps on candidates.id = request_steps.request_pk
cross join
    lateral (
        select
            array_agg(step.token order by step.ordinal) as tokens,
            array_agg(step.token_text order by step.ordinal) as texts,
            array_agg(step.ordinal::integer order by step.ordinal) as ordinals
        from
            unnest(
                request_steps.token[1:%(index)s::integer + %(discarded)s],
                request_steps.token_text[1:%(index)s::integer + %(discarded)s],
                request_steps.discarded[1:%(index)s::integer + %(discarded)s]
            ) with ordinality as step (token, token_text, discarded, ordinal)
        where not step.discarded
    ) as kept
where
    cardinality(kept.tokens) > candidates.length
    and kept.tokens[1:candidates.length] = candidates.tokens
    and (
        array_position(candidates.tokens, null) is null
        or kept.texts[1:candidates.length] = candidates.texts
    )
order by candidates.id desc
