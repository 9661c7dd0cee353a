-- Summarize the calls and actions of each mod's handlers.
with
seen_calls as (
    select
        handler_calls.request_pk,
        handler_calls.block_key,
        handler_calls.exception_occurred,
        handler_calls.execution_time_ms,
        (handler_calls.request).tokens
    from handler_calls
    where %(owner)s::bytea is null or (handler_calls.request).user_key_hmac = %(owner)s::bytea
),

seen_actions as (
    select
        handler_actions.block_key,
        handler_actions.action_type,
        handler_actions.intervention_surprisal,
        handler_actions.confidence_change,
        handler_actions.forced_tokens,
        handler_actions.discarded_tokens
    from handler_actions
    where %(owner)s::bytea is null or (handler_actions.request).user_key_hmac = %(owner)s::bytea
),

called as (
    select
        seen_calls.block_key,
        count(*) as calls,
        count(*) filter (where seen_calls.exception_occurred) as exceptions,
        percentile_cont(array[0.5, 0.95]) within group (order by seen_calls.execution_time_ms) as execution_ms
    from seen_calls
    group by seen_calls.block_key
),

requested as (
    select
        mod_blocks.mod_id,
        count(distinct seen_calls.request_pk) as requests
    from seen_calls
    inner join mod_blocks on seen_calls.block_key = mod_blocks.block_key
    group by mod_blocks.mod_id
),

touched as (
    select
        called_once.block_key,
        sum(called_once.tokens)::bigint as tokens
    from (select distinct
        seen_calls.request_pk,
        seen_calls.block_key,
        seen_calls.tokens
    from seen_calls) as called_once
    group by called_once.block_key
),

typed as (
    select
        seen_actions.block_key,
        seen_actions.action_type,
        count(*) as n
    from seen_actions
    group by seen_actions.block_key, seen_actions.action_type
),

counted as (
    select
        typed.block_key,
        jsonb_object_agg(typed.action_type, typed.n order by typed.action_type) as actions
    from typed
    group by typed.block_key
),

acted as (
    select
        seen_actions.block_key,
        avg(seen_actions.intervention_surprisal) as mean_intervention_surprisal,
        avg(seen_actions.confidence_change) as mean_confidence_change,
        sum(seen_actions.forced_tokens)::bigint as forced_tokens,
        sum(seen_actions.discarded_tokens)::bigint as discarded_tokens
    from seen_actions
    group by seen_actions.block_key
)

select
    mods.name,
    coalesce(requested.requests, 0) as requests,
    mod_blocks.block_key,
    coalesce(called.calls, 0) as calls,
    coalesce(called.exceptions, 0) as exceptions,
    called.execution_ms,
    coalesce(counted.actions, '{}'::jsonb) as actions,
    acted.mean_intervention_surprisal,
    acted.mean_confidence_change,
    acted.forced_tokens::double precision / nullif(touched.tokens, 0) as forced_share,
    coalesce(acted.discarded_tokens, 0) as discarded_tokens
from mods
inner join mod_blocks on mods.id = mod_blocks.mod_id
left join requested on mods.id = requested.mod_id
left join called on mod_blocks.block_key = called.block_key
left join touched on mod_blocks.block_key = touched.block_key
left join counted on mod_blocks.block_key = counted.block_key
left join acted on mod_blocks.block_key = acted.block_key
where called.calls > 0
order by mods.name, mod_blocks.block_key
limit %(limit)s
