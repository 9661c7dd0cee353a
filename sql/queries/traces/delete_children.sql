with
request as (
    select id
    from requests
    where request_id = %(request_id)s
),

deleted_steps as (
    delete from request_steps
    using request
    where request_steps.request_pk = request.id
),

deleted_summaries as (
    delete from step_logit_summaries
    using request
    where step_logit_summaries.request_pk = request.id
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
),

deleted_calls as (
    delete from mod_calls
    using request
    where mod_calls.request_pk = request.id
)

delete from request_traces
using request
where request_traces.request_pk = request.id
