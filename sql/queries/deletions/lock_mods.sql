-- Lock mods and handlers before the unused ones are deleted.
-- Waits for transactions that store a trace and may refer to them.
select pg_advisory_xact_lock(hashtextextended('thunder mods', 0))
