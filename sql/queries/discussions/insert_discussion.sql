-- Add a comment to a request. A text that is a key is replaced by the key's name.
-- Returns no row if the owner has no such request, and nulls if the request has too many comments.
with
said as (
    select
        coalesce(
            name_of_key(
                %(username_key_hash)s::bytea,
                %(username_user_key_hmac)s::bytea,
                %(username_label)s::text
            ),
            %(username_text)s::text
        ) as username,
        coalesce(
            name_of_key(
                %(comment_key_hash)s::bytea,
                %(comment_user_key_hmac)s::bytea,
                %(comment_label)s::text
            ),
            %(comment_text)s::text
        ) as comment
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
        said.username,
        said.comment
    from counted
    cross join said
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
