-- Get the stored answer of a run that a caller sees. It is null if the run failed.
select
    activation_previews.answer,
    activation_previews.output_token_ids
from activation_runs
left join activation_previews on activation_runs.id = activation_previews.run_id
where
    activation_runs.request_id = %(request_id)s
    and is_visible(activation_runs, %(sees_all)s, %(is_keyless)s, %(owner)s::bytea)
