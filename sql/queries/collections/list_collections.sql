-- List a page of collections, newest first, with the total.
-- An empty page still has one row: the total, and nulls.
with
counted as (
    select count(*) as total
    from collections
    where (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
),

page as (
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
    where (%(owner)s::bytea is null or collections.user_key_hmac = %(owner)s::bytea)
    order by collections.id desc
    limit %(limit)s offset %(offset)s
)

select
    page.id,
    page.name,
    page.description,
    page.created_at,
    page.updated_at,
    page.created_by,
    page.share_nonce,
    page.request_count,
    counted.total
from counted
left join page on true
order by page.id desc
