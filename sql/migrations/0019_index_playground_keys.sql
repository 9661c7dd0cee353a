-- Anyone may create keys of the playground, so the keys of a user and the unused ones are found by indexes.

create index api_keys_of_user on api_keys (user_key_hmac) where user_key_hmac is not null;
create index api_keys_unused on api_keys (created_at) where is_playground and last_used_at is null;
