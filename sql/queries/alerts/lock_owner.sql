-- Serialize the creation of alerts of one owner, so that their number stays limited.
select pg_advisory_xact_lock(hashtextextended('alerts ' || encode(coalesce(%(owner)s::bytea, ''), 'hex'), 0))
