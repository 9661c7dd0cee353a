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
        block_keys,
        block,
        generation_step,
        execution_time_ms,
        exception_occurred,
        exception_message,
        created_at
    )
    select
        request.id,
        %(block_keys)s,
        %(block)s,
        %(call_generation_step)s,
        %(execution_time_ms)s,
        %(exception_occurred)s,
        %(exception_message)s::text[],
        %(call_created_at)s
    from request
),

inserted_logs as (
    insert into mod_logs (request_pk, call_index, log_level, log_message, created_at)
    select
        request.id,
        %(log_call_index)s,
        %(log_level)s,
        %(log_message)s,
        %(log_created_at)s
    from request
    where cardinality(%(log_level)s::text[]) > 0
)

insert into actions (
    request_pk,
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
    request.id,
    %(action_call_index)s,
    %(action_type)s,
    %(action_generation_step)s,
    %(step_index)s,
    %(forced_tokens)s,
    %(discarded_tokens)s,
    %(intervention_surprisal)s,
    %(confidence_change)s,
    %(action_created_at)s
from request
where cardinality(%(action_type)s::text[]) > 0
