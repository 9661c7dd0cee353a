-- Insert the mod log lines of a trace.
insert into mod_logs (request_pk, log_index, call_index, log_level, log_message, created_at)
select
    (
        select requests.id from requests
        where requests.request_id = %(request_id)s
    ),
    -- The columns match the insert, in the same order.
    line.* -- noqa: AM04
from
    unnest(
        %(log_index)s::integer[],
        %(call_index)s::integer[],
        %(log_level)s::text[],
        %(log_message)s::text[],
        %(created_at)s::timestamptz[]
    ) as line
