-- Plan prepared statements of this session for the values of their parameters, if the session is of this process.
select set_config('plan_cache_mode', 'force_custom_plan', false)
where pg_backend_pid() = %(backend)s::integer
