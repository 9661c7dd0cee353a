-- Check that the database belongs to this app, lock its owner for the transaction, and set the statement timeout.
select
    hold_owner(%(app_name)s),
    set_config('statement_timeout', %(milliseconds)s::text, true)
