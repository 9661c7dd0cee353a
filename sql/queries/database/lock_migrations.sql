-- Serialize migrations until the transaction ends.
select
    pg_advisory_xact_lock(%(lock)s),
    set_config('lock_timeout', '10s', true)
