-- Get the run of a trace, with the features of its tokens.
select
    activation_runs.request_id,
    activation_runs.sae_id,
    activation_runs.sae_layer,
    activation_previews.answer,
    activation_previews.output_token_ids,
    request_steps.token,
    request_steps.discarded
from activation_runs
inner join activation_previews on activation_runs.id = activation_previews.run_id
inner join request_steps on activation_runs.request_pk = request_steps.request_pk
where activation_runs.request_pk = %(request_pk)s
