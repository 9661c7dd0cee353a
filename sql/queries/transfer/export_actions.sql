-- Export the actions of the requests that pass the filters.
select
    handler_actions.request_id,
    handler_actions.action_index,
    handler_actions.call_index,
    mods.name as mod,
    mod_blocks.event_type,
    handler_actions.action_type,
    handler_actions.generation_step,
    handler_actions.step_index,
    handler_actions.forced_tokens,
    handler_actions.discarded_tokens,
    handler_actions.intervention_surprisal,
    handler_actions.confidence_change,
    handler_actions.created_at
from handler_actions
inner join mod_blocks on handler_actions.block_key = mod_blocks.block_key
inner join mods on mod_blocks.mod_id = mods.id
where request_matches(handler_actions.request, %(filters)s::feed_filters)
order by handler_actions.request_pk, handler_actions.action_index
