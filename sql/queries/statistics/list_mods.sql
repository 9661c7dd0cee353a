-- Summarize the calls and actions of each mod's handlers.
with
seen as (
    select
        requests.id,
        requests.tokens
    from requests
    where %(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea
),

seen_calls as (
    select
        mod_calls.block_id,
        mod_calls.request_pk,
        mod_calls.exception_occurred,
        mod_calls.execution_time_ms
    from mod_calls
    inner join seen on mod_calls.request_pk = seen.id
),

seen_actions as (
    select
        actions.block_id,
        actions.action_type,
        actions.intervention_surprisal,
        actions.confidence_change,
        actions.forced_tokens,
        actions.discarded_tokens
    from actions
    inner join seen on actions.request_pk = seen.id
),

called as (
    select
        seen_calls.block_id,
        count(*) as calls,
        count(*) filter (where seen_calls.exception_occurred) as exceptions,
        percentile_cont(array[0.5, 0.95]) within group (order by seen_calls.execution_time_ms) as execution_ms
    from seen_calls
    group by seen_calls.block_id
),

requested as (
    select
        mod_blocks.mod_id,
        count(distinct seen_calls.request_pk) as requests
    from seen_calls
    inner join mod_blocks on seen_calls.block_id = mod_blocks.id
    group by mod_blocks.mod_id
),

touched as (
    select
        called_once.block_id,
        sum(seen.tokens)::bigint as tokens
    from (select distinct
        seen_calls.block_id,
        seen_calls.request_pk
    from seen_calls) as called_once
    inner join seen on called_once.request_pk = seen.id
    group by called_once.block_id
),

typed as (
    select
        seen_actions.block_id,
        seen_actions.action_type,
        count(*) as n
    from seen_actions
    group by seen_actions.block_id, seen_actions.action_type
),

counted as (
    select
        typed.block_id,
        jsonb_object_agg(typed.action_type, typed.n order by typed.action_type) as actions
    from typed
    group by typed.block_id
),

acted as (
    select
        seen_actions.block_id,
        avg(seen_actions.intervention_surprisal) as mean_intervention_surprisal,
        avg(seen_actions.confidence_change) as mean_confidence_change,
        sum(seen_actions.forced_tokens)::bigint as forced_tokens,
        sum(seen_actions.discarded_tokens)::bigint as discarded_tokens
    from seen_actions
    group by seen_actions.block_id
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
left join called on mod_blocks.id = called.block_id
left join touched on mod_blocks.id = touched.block_id
left join counted on mod_blocks.id = counted.block_id
left join acted on mod_blocks.id = acted.block_id
where called.calls > 0
order by mods.name, mod_blocks.block_key
limit %(limit)s
