-- Delete the mods that no request names or called, with their handlers.
delete from mods
where
    not exists (
        select 1 from requests
        where requests.mods @> array[mods.name]
    )
