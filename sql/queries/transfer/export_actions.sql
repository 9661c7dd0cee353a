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
        %(source)s::text,
        %(group_id)s::text,
        websearch_to_tsquery('simple', %(q)s::text)
    )
order by requests.id, actions.action_index
