-- Get the collection that a share token opens.
select
    collections.id,
    collections.name,
    collections.description,
    collections.created_at,
    collections.updated_at,
    collections.created_by,
    collections.share_nonce,
    request_count(collections) as request_count
from collections
where collections.share_token_hash = %(token_hash)s
