-- Serialize with a transaction that stores the trace with this id, so that one of the two links the run.
select pg_advisory_xact_lock(hashtextextended(%(trace_request_id)s::text, 0))
