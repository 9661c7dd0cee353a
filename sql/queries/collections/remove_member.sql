-- Remove a request from a collection.
with
removed as (
    delete from collection_members
    using requests
    where
        collection_members.collection_id = %(id)s
        and collection_members.request_pk = requests.id
        and requests.request_id = %(request_id)s
    returning collection_members.collection_id
)

update collections
set updated_at = greatest(now(), collections.created_at + interval '1 microsecond')
from removed
where collections.id = removed.collection_id
returning collections.id
