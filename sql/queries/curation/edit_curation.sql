-- Add a text to a request's tags or favorites, or remove it. Returns no row if the owner has no such request.
-- A text that is a key is replaced by the key's name.
with
masked as (
    select mask_key(%(text)s::storable_text) as value
),

found as (
    select
        id,
        tags,
        favorited_by,
        case when %(is_tag)s::boolean then tags else favorited_by end as texts
    from requests
    where
        request_id = %(request_id)s
        and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    for no key update
),

edited as (
    select
        found.id,
        found.texts @> array[masked.value] as was_there,
        case
            when %(is_added)s::boolean then array_append(found.texts, masked.value)
            else array_remove(found.texts, masked.value)
        end as texts
    from found
    cross join masked
),

changed as (
    update requests
    set
        tags = case when %(is_tag)s::boolean then edited.texts else requests.tags end,
        favorited_by = case when %(is_tag)s::boolean then requests.favorited_by else edited.texts end
    from edited
    where
        requests.id = edited.id
        and edited.was_there <> %(is_added)s::boolean
        and (
            not %(is_added)s::boolean
            or (
                cardinality(edited.texts) <= %(most)s
                and length(array_to_string(edited.texts, '')) <= %(most_characters)s
            )
        )
    returning
        requests.tags,
        requests.favorited_by
)

select
    coalesce(changed.tags, found.tags) as tags,
    coalesce(changed.favorited_by, found.favorited_by) as favorited_by,
    changed.tags is not null as is_changed,
    edited.was_there
from found
cross join edited
left join changed on true
