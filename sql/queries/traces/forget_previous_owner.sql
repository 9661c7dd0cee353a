-- Remove tags, favorites, comments, outcomes, links, alert events and another user's run if a request changes owner.
-- People added them for the previous owner, so an admin who reassigns the request must not pass them on.
with
previous as (
    update requests
    set
        tags = '{}',
        favorited_by = '{}',
        discussion_count = 0,
        share_nonce = null,
        share_token_hash = null,
        share_expires_at = null
    where
        requests.request_id = %(request_id)s
        and requests.user_key_hmac is distinct from present_owner(%(owner)s::bytea)
    returning requests.id
),

left_collections as (
    delete from collection_members
    using previous
    where collection_members.request_pk = previous.id
),

forgotten as (
    delete from alert_events
    using previous
    where alert_events.request_pk = previous.id
),

unlinked as (
    update activation_runs
    set request_pk = null, updated_at = now()
    from previous
    where
        activation_runs.request_pk = previous.id
        and activation_runs.user_key_hmac is distinct from coalesce(
            present_owner(%(owner)s::bytea), activation_runs.user_key_hmac
        )
),

silenced as (
    delete from discussions
    using previous
    where discussions.request_pk = previous.id
)

delete from outcomes
using previous
where outcomes.request_pk = previous.id
