-- Keep stored mods and handlers from deletion until the transaction ends.
-- Pairs with deletions/lock_mods.
select pg_advisory_xact_lock_shared(hashtextextended('thunder mods', 0))
