-- List a page of the requests of a collection of the caller, last added first.
-- Texts are truncated so that a page fits into a container's memory.
with
page as (
    select
        collection_members.collection_id,
        collection_members.request_pk,
        collection_members.added_at,
        collection_members.added_by,
        collection_members.notes
    from collection_members
    where collection_members.collection_id = %(id)s
    order by collection_members.added_at desc, collection_members.request_pk desc
    limit %(limit)s offset %(offset)s
)

select
    requests.request_id,
    page.added_at,
    page.added_by,
    page.notes,
    requests.created_at as created_ts,
    requests.completed_at as finished_ts,
    requests.model as model_id,
    substr(requests.final_text, 1, %(characters)s::integer) as final_text
from page
inner join requests on page.request_pk = requests.id
inner join collections on page.collection_id = collections.id
where
    (collections.user_key_hmac is null or requests.user_key_hmac = collections.user_key_hmac)
    and (%(owner)s::bytea is null or collections.user_key_hmac = %(owner)s::bytea)
order by page.added_at desc, requests.id desc
