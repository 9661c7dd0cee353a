-- Insert the mod calls of a trace.
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
    (
        select requests.id from requests
        where requests.request_id = %(request_id)s
    ),
    mod_blocks.id,
    call.call_index,
    call.generation_step,
    call.execution_time_ms,
    call.exception_occurred,
    call.exception_message,
    call.created_at
from
    unnest(
        %(block_key)s::text[],
        %(call_index)s::integer[],
        %(generation_step)s::integer[],
        %(execution_time_ms)s::double precision[],
        %(exception_occurred)s::boolean[],
        %(exception_message)s::text[],
        %(created_at)s::timestamptz[]
    ) as call (
        block_key, call_index, generation_step, execution_time_ms, exception_occurred, exception_message, created_at
    )
inner join mod_blocks on call.block_key = mod_blocks.block_key
