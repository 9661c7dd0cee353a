-- Delete the mod calls, logs and actions of a request's previous revision.
with
request as (
    select id
    from requests
    where request_id = %(request_id)s
),

deleted_actions as (
    delete from actions
    using request
    where actions.request_pk = request.id
),

deleted_logs as (
    delete from mod_logs
    using request
    where mod_logs.request_pk = request.id
)

delete from mod_calls
using request
where mod_calls.request_pk = request.id
