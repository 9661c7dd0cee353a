-- List a page of collections, newest first: all, or those that contain a request.
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
where
    (%(owner)s::bytea is null or collections.user_key_hmac = %(owner)s::bytea)
    and (
        %(request_id)s::text is null
        or collections.id = any(array(
            select collection_members.collection_id
            from collection_members
            inner join requests on collection_members.request_pk = requests.id
            where requests.request_id = %(request_id)s::text
        ))
    )
order by collections.id desc
limit %(limit)s offset %(offset)s
