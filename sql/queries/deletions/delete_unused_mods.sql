-- Delete the mods that have no handler.
delete from mods
where
    not exists (
        select 1 from mod_blocks
        where mod_blocks.mod_id = mods.id
    )
