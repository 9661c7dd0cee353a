-- Link a run to its trace, if that is stored and has no other run.
update activation_runs
set request_pk = requests.id
from requests
left join activation_runs as others on requests.id = others.request_pk
where
    activation_runs.id = %(id)s
    and activation_runs.trace_request_id = requests.request_id
    and may_link(activation_runs, requests)
    and others.id is null
