-- Set the lock timeout of this transaction.
select set_config('lock_timeout', %(milliseconds)s::text, true)
