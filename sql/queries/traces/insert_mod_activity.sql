-- Insert the mod calls, logs and actions of a trace.
with
request as (
    select id
    from requests
    where request_id = %(request_id)s
),

inserted_calls as (
    insert into mod_calls (
        request_pk,
        block_id,
        call_index,
        generation_step,
        execution_time_ms,
        exception_occurred,
        exception_message,
        created_at
    )
    select
        request.id as request_pk,
        mod_blocks.id as block_id,
        call.call_index,
        call.generation_step,
        call.execution_time_ms,
        call.exception_occurred,
        call.exception_message,
        call.created_at
    from request
    cross join
        unnest(
            %(call_block_key)s::text[],
            %(call_index)s::integer[],
            %(call_generation_step)s::integer[],
            %(execution_time_ms)s::double precision[],
            %(exception_occurred)s::boolean[],
            %(exception_message)s::text[],
            %(call_created_at)s::timestamptz[]
        ) as call (
            block_key,
            call_index,
            generation_step,
            execution_time_ms,
            exception_occurred,
            exception_message,
            created_at
        )
    inner join mod_blocks on call.block_key = mod_blocks.block_key
),

inserted_logs as (
    insert into mod_logs (request_pk, log_index, call_index, log_level, log_message, created_at)
    select
        request.id,
        line.log_index,
        line.call_index,
        line.log_level,
        line.log_message,
        line.created_at
    from request
    cross join
        unnest(
            %(log_index)s::integer[],
            %(log_call_index)s::integer[],
            %(log_level)s::text[],
            %(log_message)s::text[],
            %(log_created_at)s::timestamptz[]
        ) as line (log_index, call_index, log_level, log_message, created_at)
)

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
    request.id as request_pk,
    mod_blocks.id as block_id,
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
from request
cross join
    unnest(
        %(action_block_key)s::text[],
        %(action_index)s::integer[],
        %(action_call_index)s::integer[],
        %(action_type)s::text[],
        %(action_generation_step)s::integer[],
        %(step_index)s::integer[],
        %(forced_tokens)s::integer[],
        %(discarded_tokens)s::integer[],
        %(intervention_surprisal)s::double precision[],
        %(confidence_change)s::double precision[],
        %(action_created_at)s::timestamptz[]
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
