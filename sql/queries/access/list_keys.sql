-- List API keys, newest first, those of the playground last, because anyone may create many of them.
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
order by is_playground asc, id desc
limit %(limit)s
