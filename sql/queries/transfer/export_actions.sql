-- Export the actions of the requests that pass the filters.
select
    requests.request_id,
    actions.action_index,
    actions.call_index,
    mods.name as mod,
    mod_blocks.event_type,
    actions.action_type,
    actions.generation_step,
    actions.step_index,
    actions.forced_tokens,
    actions.discarded_tokens,
    actions.intervention_surprisal,
    actions.confidence_change,
    actions.created_at
from requests
inner join actions on requests.id = actions.request_pk
inner join mod_blocks on actions.block_id = mod_blocks.id
inner join mods on mod_blocks.mod_id = mods.id
where request_matches(requests, %(filters)s::feed_filters)
order by requests.id, actions.action_index
