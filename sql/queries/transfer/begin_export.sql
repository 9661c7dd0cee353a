-- Check the database's owner and set the time zone and the timeout of an export.
select
    require_owner(%(app_name)s),
    set_config('timezone', 'UTC', true),
    set_config('statement_timeout', %(milliseconds)s::text, true)
