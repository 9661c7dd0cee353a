-- Add a request to a collection, and report each precondition in one row.
-- A text that is a key is replaced by the key's name.
with
masked as (
    select
        mask_key(%(added_by)s::storable_text) as added_by,
        mask_key(%(notes)s::storable_text) as notes
),

collection as (
    select
        id,
        user_key_hmac
    from collections
    where
        id = %(id)s
        and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    for no key update
),

request as (
    select
        id,
        user_key_hmac
    from requests
    where
        request_id = %(request_id)s
        and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    for no key update
),

allowed as (
    select
        collection.id as collection_id,
        request.id as request_pk
    from collection
    cross join request
    where collection.user_key_hmac is null or request.user_key_hmac = collection.user_key_hmac
),

added as (
    insert into collection_members (collection_id, request_pk, added_by, notes)
    select
        allowed.collection_id,
        allowed.request_pk,
        masked.added_by,
        masked.notes
    from allowed
    cross join masked
    on conflict do nothing
    returning collection_id
),

touched as (
    update collections
    set updated_at = greatest(now(), collections.created_at + interval '1 microsecond')
    from added
    where collections.id = added.collection_id
    returning collections.id
)

select
    (select count(*) from collection) = 1 as has_collection,
    (select count(*) from request) = 1 as has_request,
    (select count(*) from allowed) = 1 as may_hold,
    (select count(*) from touched) = 1 as is_added
