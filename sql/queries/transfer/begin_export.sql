select
    require_owner(%(app_name)s),
    set_config('timezone', 'UTC', true),
    set_config('statement_timeout', %(milliseconds)s::text, true)
