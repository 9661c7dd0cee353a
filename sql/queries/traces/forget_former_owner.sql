-- What people added to a request is its owner's: an admin who makes it another's hands on nothing of it.
with
former as (
    update requests
    set
        tags = '{}',
        favorited_by = '{}',
        discussion_count = 0,
        share_nonce = null,
        share_token_hash = null,
        share_expires_at = null
    where requests.request_id = %(request_id)s and requests.user_key_hmac is distinct from %(owner)s::bytea
    returning requests.id
),

left_collections as (
    delete from collection_members
    using former
    where collection_members.request_pk = former.id
),

silenced as (
    delete from discussions
    using former
    where discussions.request_pk = former.id
)

delete from outcomes
using former
where outcomes.request_pk = former.id
