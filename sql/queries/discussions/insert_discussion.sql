-- Add a comment to a request. A text that is a key is replaced by the key's name.
-- Returns no row if the owner has no such request, and nulls if the request has too many comments.
with
masked as (
    select
        mask_key(%(username)s::storable_text) as username,
        mask_key(%(comment)s::storable_text) as comment
),

found as (
    select id
    from requests
    where
        request_id = %(request_id)s
        and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    for no key update
),

counted as (
    update requests
    set discussion_count = requests.discussion_count + 1
    from found
    where requests.id = found.id and requests.discussion_count < %(most)s
    returning requests.id
),

added as (
    insert into discussions (request_pk, username, comment)
    select
        counted.id,
        masked.username,
        masked.comment
    from counted
    cross join masked
    returning id, request_pk, username, comment, created_at, updated_at
)

select
    added.id,
    added.username,
    added.comment,
    added.created_at,
    added.updated_at
from found
left join added on found.id = added.request_pk
