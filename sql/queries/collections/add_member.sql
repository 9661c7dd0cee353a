with
added as (
    insert into collection_members (collection_id, request_pk, added_by, notes)
    values (%(id)s, %(request_pk)s, %(added_by)s::text, %(notes)s::text)
    on conflict do nothing
    returning collection_id
)

update collections
set updated_at = greatest(now(), collections.created_at + interval '1 microsecond')
from added
where collections.id = added.collection_id
returning collections.id
