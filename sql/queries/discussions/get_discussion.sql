-- Get one comment of a request that the caller may see, with the request's owner.
select
    discussions.id,
    discussions.username,
    discussions.comment,
    discussions.created_at,
    discussions.updated_at,
    requests.user_key_hmac,
    requests.discussion_count as total
from requests
left join discussions on requests.id = discussions.request_pk and discussions.id = %(id)s::bigint
where
    requests.request_id = %(request_id)s
    and (is_public(requests) or %(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
