-- Check the stamp of the database, and set the time zone and the timeout of an export.
select
    require_stamp(%(app_name)s),
    set_config('timezone', 'UTC', true),
    set_config('statement_timeout', %(milliseconds)s::text, true)
