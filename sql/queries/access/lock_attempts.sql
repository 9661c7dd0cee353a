select pg_advisory_xact_lock(hashtextextended('thunder bootstrap from ' || %(address)s::text, 0))
