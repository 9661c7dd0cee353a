-- Keep the streams from sending the requests of a restored cluster again.
-- A new cluster counts transactions from the start again, so requests could have numbers that it has not reached yet.
-- The streams would send these requests again when it does. 3 is the first number of a transaction.
update requests
set stored_xid = '3'::xid8
where stored_xid >= pg_snapshot_xmax(pg_current_snapshot())
