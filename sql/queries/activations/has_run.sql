-- Return whether a run with this id is stored.
select exists(
    select from activation_runs
    where request_id = %(request_id)s
) as has_run
