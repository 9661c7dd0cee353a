-- Replace the notes on a request in a collection.
with
noted as (
    update collection_members
    set notes = %(notes)s::text
    from requests
    where
        collection_members.collection_id = %(id)s
        and collection_members.request_pk = requests.id
        and requests.request_id = %(request_id)s
    returning collection_members.collection_id
)

update collections
set updated_at = greatest(now(), collections.created_at + interval '1 microsecond')
from noted
where collections.id = noted.collection_id
returning collections.id
