-- Replace the answers of an id one at a time: concurrent posts with other numbers of answers would keep some of each.
select pg_advisory_xact_lock(hashtextextended('thunder group ' || %(base_id)s::text, 0))
