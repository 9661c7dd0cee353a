-- List a page of the comments on a request that the caller may see, oldest first, with their total, or get one.
-- A request without comments has one row, whose comment columns are null.
select
    page.id,
    page.username,
    page.comment,
    page.created_at,
    page.updated_at,
    requests.user_key_hmac,
    requests.discussion_count as total
from requests
left join lateral (
    select
        discussions.id,
        discussions.username,
        discussions.comment,
        discussions.created_at,
        discussions.updated_at
    from discussions
    where
        discussions.request_pk = requests.id
        and (%(id)s::bigint is null or discussions.id = %(id)s::bigint)
    order by discussions.id
    limit %(limit)s offset %(offset)s
) as page on true
where
    requests.request_id = %(request_id)s
    and (is_public(requests) or %(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
order by page.id
