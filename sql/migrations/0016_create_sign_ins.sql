-- Browsers that are signed in, and the links with which `make run` signs in the first one.

create table sign_ins (
    token_hash bytea primary key,
    key_hash bytea,
    user_key_hmac bytea,
    admin_proof bytea,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint sign_ins_key check (num_nonnulls(key_hash, user_key_hmac, admin_proof) = 1)
);

comment on table sign_ins is 'Browsers that are signed in with a cookie. Each has the rights of one key and ends with it.';
comment on column sign_ins.token_hash is 'HMAC of the token in the cookie under THUNDER_SECRET.';
comment on column sign_ins.key_hash is 'The issued key that signed in, as in api_keys.key_hash.';
comment on column sign_ins.user_key_hmac is 'The user API key that signed in, as in requests.user_key_hmac.';
comment on column sign_ins.admin_proof is
'HMAC of the token under THUNDER_ADMIN_KEY, if that key signed in. A process with another admin key computes another one.';

create index sign_ins_expiry on sign_ins (expires_at);
create index sign_ins_of_key on sign_ins (key_hash) where key_hash is not null;
create index sign_ins_of_user on sign_ins (user_key_hmac) where user_key_hmac is not null;

create table sign_in_links (
    token_hash bytea primary key,
    admin_proof bytea not null,
    expires_at timestamptz not null
);

comment on table sign_in_links is 'Unused links that sign a browser in as the admin, once.';
comment on column sign_in_links.token_hash is 'HMAC of the token in the link under THUNDER_SECRET.';
comment on column sign_in_links.admin_proof is 'HMAC of the token under THUNDER_ADMIN_KEY, as in sign_ins.admin_proof.';
