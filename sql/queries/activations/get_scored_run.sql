-- Get the stored answer of a run that a caller sees, with the tokens and entropies of its trace.
select
    activation_previews.answer,
    activation_previews.output_token_ids,
    requests.request_id as trace_request_id,
    request_steps.token,
    request_steps.discarded,
    request_steps.entropy
from activation_runs
left join activation_previews on activation_runs.id = activation_previews.run_id
left join requests on activation_runs.request_pk = requests.id
left join request_steps on activation_runs.request_pk = request_steps.request_pk
where
    activation_runs.request_id = %(request_id)s
    and is_visible(activation_runs, %(sees_all)s, %(is_keyless)s, %(owner)s::bytea)
