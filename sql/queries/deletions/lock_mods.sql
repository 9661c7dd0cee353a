-- Waits for whoever is storing a trace with mods: what it refers to must not go.
select pg_advisory_xact_lock(hashtextextended('thunder mods', 0))
