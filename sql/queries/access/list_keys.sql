-- List API keys, newest first, or get the one with an id.
-- Those of the playground are last, because anyone may create many of them.
select
    id,
    key_prefix,
    name,
    description,
    user_key_label as allowed_api_key,
    is_admin,
    is_playground,
    scopes,
    is_live(api_keys) as is_active,
    created_at,
    updated_at,
    last_used_at,
    expires_at
from api_keys
where %(id)s::bigint is null or id = %(id)s::bigint
order by is_playground asc, id desc
limit %(limit)s
