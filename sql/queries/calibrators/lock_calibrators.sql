-- Serialize changes of calibrators until the transaction ends, so that versions are unique and one is active.
select pg_advisory_xact_lock(hashtextextended('thunder calibrators', 0))
