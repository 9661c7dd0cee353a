-- Find an activation run by its id.
select
    activation_runs.created_at,
    activation_previews.answer
from activation_runs
left join activation_previews on activation_runs.id = activation_previews.run_id
where activation_runs.request_id = %(request_id)s
