-- Wait for a trace with this id that is being stored, or make it wait, so that it is linked to its run.
select pg_advisory_xact_lock(hashtextextended(%(trace_request_id)s::text, 0))
