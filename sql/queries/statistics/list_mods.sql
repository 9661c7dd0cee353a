with
called as (
    select
        mod_calls.block_id,
        count(*) as calls,
        count(*) filter (where mod_calls.exception_occurred) as exceptions,
        percentile_cont(array[0.5, 0.95]) within group (order by mod_calls.execution_time_ms) as execution_ms
    from mod_calls
    group by mod_calls.block_id
),

requested as (
    select
        mod_blocks.mod_id,
        count(distinct mod_calls.request_pk) as requests
    from mod_calls
    inner join mod_blocks on mod_calls.block_id = mod_blocks.id
    group by mod_blocks.mod_id
),

touched as (
    select
        called_once.block_id,
        sum(requests.tokens)::bigint as tokens
    from (select distinct mod_calls.block_id, mod_calls.request_pk from mod_calls) as called_once
    inner join requests on called_once.request_pk = requests.id
    group by called_once.block_id
),

typed as (
    select
        actions.block_id,
        actions.action_type,
        count(*) as n
    from actions
    group by actions.block_id, actions.action_type
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
        actions.block_id,
        avg(actions.intervention_surprisal) as mean_intervention_surprisal,
        avg(actions.confidence_change) as mean_confidence_change,
        sum(actions.forced_tokens)::bigint as forced_tokens,
        sum(actions.discarded_tokens)::bigint as discarded_tokens
    from actions
    group by actions.block_id
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
