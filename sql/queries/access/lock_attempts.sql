-- Serialize the bootstrap attempts of one address until the transaction ends.
select pg_advisory_xact_lock(hashtextextended('thunder bootstrap from ' || %(address)s::text, 0))
