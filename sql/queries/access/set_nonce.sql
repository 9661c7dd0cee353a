-- Replace the nonce of a link or of an alert.
with
links as (
    update requests
    set share_nonce = %(nonce)s
    where 'request' = %(kind)s and requests.id = %(id)s
),

collection_links as (
    update collections
    set share_nonce = %(nonce)s
    where 'collection' = %(kind)s and collections.id = %(id)s
)

update alerts
set secret_nonce = %(nonce)s, previous_nonce = %(previous_nonce)s
where 'alert' = %(kind)s and alerts.id = %(id)s
