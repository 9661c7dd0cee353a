-- Get the collection that a share token opens.
select
    collections.id,
    collections.name,
    collections.description,
    collections.created_at,
    request_count(collections) as request_count
from collections
where collections.share_token_hash = %(token_hash)s
