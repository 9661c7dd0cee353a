-- Set the statement timeout of this transaction, and let its statements keep their plans.
select
    set_config('statement_timeout', %(milliseconds)s::text, true),
    set_config('plan_cache_mode', 'auto', true)
