-- Mods and handlers that are there stay until this trace refers to them (deletions/lock_mods).
select pg_advisory_xact_lock_shared(hashtextextended('thunder mods', 0))
