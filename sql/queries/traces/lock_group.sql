-- Serialize posts with one id. Otherwise, concurrent posts with different numbers of answers would leave a mixture.
select pg_advisory_xact_lock(hashtextextended('thunder group ' || %(base_id)s::text, 0))
