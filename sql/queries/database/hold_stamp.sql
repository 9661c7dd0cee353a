-- Check that the database belongs to this app, lock its stamp for the transaction, and configure the transaction.
select
    set_config('plan_cache_mode', 'auto', true),
    set_config('statement_timeout', %(milliseconds)s::text, true),
    hold_stamp(%(app_name)s)
