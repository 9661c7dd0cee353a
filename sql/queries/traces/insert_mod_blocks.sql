-- Insert the handlers that are not stored yet.
insert into mod_blocks (mod_id, event_type, block_key)
select
    mods.id,
    block.event_type,
    block.block_key
from
    unnest(%(mod_name)s::text[], %(event_type)s::text[], %(block_key)s::text[])
        as block (
            mod_name, event_type, block_key
        )
inner join mods on block.mod_name = mods.name
where
    not exists (
        select 1 from mod_blocks
        where mod_blocks.block_key = block.block_key
    )
order by block.block_key
on conflict (block_key) do nothing
