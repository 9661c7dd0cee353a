-- Insert the mod log lines of a trace.
insert into mod_logs (request_pk, log_index, call_index, log_level, log_message, created_at)
select
    (
        select requests.id from requests
        where requests.request_id = %(request_id)s
    ),
    line.log_index,
    line.call_index,
    line.log_level,
    line.log_message,
    line.created_at
from
    unnest(
        %(log_index)s::integer[],
        %(call_index)s::integer[],
        %(log_level)s::text[],
        %(log_message)s::text[],
        %(created_at)s::timestamptz[]
    ) as line (log_index, call_index, log_level, log_message, created_at)
