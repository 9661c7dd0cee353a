-- Delete the handlers that no call and no action refers to.
delete from mod_blocks
where
    not exists (
        select 1 from mod_calls
        where mod_calls.block_id = mod_blocks.id
    )
    and not exists (
        select 1 from actions
        where actions.block_id = mod_blocks.id
    )
