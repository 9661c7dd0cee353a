-- Delete an activation run that an import replaces.
delete from activation_runs
where request_id = %(request_id)s
