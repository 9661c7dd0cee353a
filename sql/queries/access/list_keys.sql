-- List API keys, newest first.
select
    id,
    key_prefix,
    name,
    description,
    user_key_label as allowed_api_key,
    is_admin,
    scopes,
    is_live(api_keys) as is_active,
    created_at,
    updated_at,
    last_used_at,
    expires_at
from api_keys
order by id desc
limit %(limit)s
