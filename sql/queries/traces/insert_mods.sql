-- Insert the mods that are not stored yet.
insert into mods (name)
select mod.name
from unnest(%(name)s::text[]) as mod (name)
where
    not exists (
        select 1 from mods
        where mods.name = mod.name
    )
order by mod.name
on conflict (name) do nothing
