-- Insert the actions of a trace.
insert into actions (
    request_pk,
    block_id,
    action_index,
    call_index,
    action_type,
    generation_step,
    step_index,
    forced_tokens,
    discarded_tokens,
    intervention_surprisal,
    confidence_change,
    created_at
)
select
    (
        select requests.id from requests
        where requests.request_id = %(request_id)s
    ),
    mod_blocks.id,
    action.action_index,
    action.call_index,
    action.action_type,
    action.generation_step,
    action.step_index,
    action.forced_tokens,
    action.discarded_tokens,
    action.intervention_surprisal,
    action.confidence_change,
    action.created_at
from
    unnest(
        %(block_key)s::text[],
        %(action_index)s::integer[],
        %(call_index)s::integer[],
        %(action_type)s::text[],
        %(generation_step)s::integer[],
        %(step_index)s::integer[],
        %(forced_tokens)s::integer[],
        %(discarded_tokens)s::integer[],
        %(intervention_surprisal)s::double precision[],
        %(confidence_change)s::double precision[],
        %(created_at)s::timestamptz[]
    ) as action (
        block_key,
        action_index,
        call_index,
        action_type,
        generation_step,
        step_index,
        forced_tokens,
        discarded_tokens,
        intervention_surprisal,
        confidence_change,
        created_at
    )
inner join mod_blocks on action.block_key = mod_blocks.block_key
