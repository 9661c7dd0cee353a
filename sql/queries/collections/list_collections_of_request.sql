-- List the collections that contain a request, newest first.
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
inner join collection_members as memberships on collections.id = memberships.collection_id
inner join requests on memberships.request_pk = requests.id
where
    requests.request_id = %(request_id)s
    and (%(owner)s::bytea is null or collections.user_key_hmac = %(owner)s::bytea)
order by collections.id desc
limit %(limit)s
