-- Add a tag to a request, or remove it. Returns no row if the owner has no such request.
-- A text that is a key is replaced by the key's name.
with
said as (
    select mask_key(%(said)s::storable_text) as value
),

found as (
    select
        id,
        tags,
        favorited_by
    from requests
    where
        request_id = %(request_id)s
        and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    for no key update
),

changed as (
    update requests
    set
        tags = case
            when %(is_added)s::boolean then array_append(requests.tags, said.value)
            else array_remove(requests.tags, said.value)
        end
    from found
    cross join said
    where
        requests.id = found.id
        and (found.tags @> array[said.value]) <> %(is_added)s::boolean
        and (cardinality(found.tags) < %(most)s or not %(is_added)s::boolean)
    returning requests.tags
)

select
    coalesce(changed.tags, found.tags) as tags,
    found.favorited_by,
    changed.tags is not null as is_changed,
    found.tags @> array[said.value] as was_there
from found
cross join said
left join changed on true
