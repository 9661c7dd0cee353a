-- Serialize bootstrapping until the transaction ends.
select pg_advisory_xact_lock(hashtextextended('thunder bootstrap', 0))
