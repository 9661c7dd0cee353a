-- Get a collection and its number of requests.
select
    collections.id,
    collections.name,
    collections.description,
    collections.created_at,
    collections.updated_at,
    collections.created_by,
    collections.user_key_hmac,
    collections.share_nonce,
    (
        select count(*)
        from collection_members
        where collection_members.collection_id = collections.id
    ) as request_count
from collections
where collections.id = %(id)s
