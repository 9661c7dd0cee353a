-- Check that the database belongs to this app, keep it so until the transaction ends, and set its statement timeout.
select
    hold_owner(%(app_name)s),
    set_config('statement_timeout', %(milliseconds)s::text, true)
