-- Add a user to a request's favorites, or remove them. Returns no row if the owner has no such request.
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
        favorited_by = case
            when %(is_added)s::boolean then array_append(requests.favorited_by, said.value)
            else array_remove(requests.favorited_by, said.value)
        end
    from found
    cross join said
    where
        requests.id = found.id
        and (found.favorited_by @> array[said.value]) <> %(is_added)s::boolean
        and (cardinality(found.favorited_by) < %(most)s or not %(is_added)s::boolean)
    returning requests.favorited_by
)

select
    found.tags,
    coalesce(changed.favorited_by, found.favorited_by) as favorited_by,
    changed.favorited_by is not null as is_changed,
    found.favorited_by @> array[said.value] as was_there
from found
cross join said
left join changed on true
