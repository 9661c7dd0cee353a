-- Get the stored answer of a run that a caller sees, and the tokens of its trace, by the id of the run or by its trace.
-- The answer is null if the run failed, and the tokens are null if no trace is linked.
select
    activation_runs.request_id,
    activation_runs.sae_id,
    activation_runs.sae_layer,
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
    (activation_runs.request_id = %(request_id)s::text or activation_runs.request_pk = %(request_pk)s::bigint)
    and is_visible(activation_runs, %(sees_all)s, %(is_keyless)s, %(owner)s::bytea)
