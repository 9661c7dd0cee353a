-- Who may come in. No key is kept as text anywhere: api_keys has their SHA-256, requests the HMAC of users' keys.

create table api_keys (
    id bigint generated always as identity primary key,
    root_id bigint,
    key_hash bytea not null,
    key_prefix text not null,
    name text not null,
    description text,
    is_admin boolean not null,
    scopes text[] not null,
    user_key_hmac bytea,
    user_key_label text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    replaced_at timestamptz,
    constraint api_keys_key_hash_key unique (key_hash),
    constraint api_keys_name_length check (length(name) between 1 and 200)
);

comment on table api_keys is 'Keys that were given out; each is shown once and kept as a hash.';
comment on column api_keys.root_id is 'The first key of a rotation, by which a trace''s poster is known; null for that one.';
comment on column api_keys.key_hash is 'SHA-256: enough for 256 random bits.';
comment on column api_keys.user_key_hmac is 'Whose requests a key that is no admin''s sees, or may post: see requests.user_key_hmac.';
comment on column api_keys.replaced_at is 'When a rotation gave it a successor; from then on it only lives out its overlap.';
comment on column api_keys.last_used_at is 'To within five minutes: not every request writes.';

create table bootstrap_attempts (
    id bigint generated always as identity primary key,
    attempted_at timestamptz not null default now()
);

comment on table bootstrap_attempts is 'Tries of POST /auth/bootstrap, so that containers count them together.';

create index bootstrap_attempts_newest on bootstrap_attempts (attempted_at);

create table generated_secret (
    only_row boolean primary key default true,
    secret text not null,
    generated_at timestamptz not null default now(),
    constraint generated_secret_only_row check (only_row)
);

comment on table generated_secret is
'The stand-in for a THUNDER_SECRET that was never set. A leak of the database then includes it; docs/ACCESS.md.';

create function name_of_key(key_hash bytea, user_key_hmac bytea, label text) returns text language sql stable
return coalesce(
    (
        select api_keys.name
        from api_keys
        where api_keys.key_hash = name_of_key.key_hash -- noqa: RF01
    ),
    case
        when exists (
            select from requests
            where requests.user_key_hmac = name_of_key.user_key_hmac -- noqa: RF01
        )
        or exists (
            select from api_keys
            where api_keys.user_key_hmac = name_of_key.user_key_hmac -- noqa: RF01
        ) then name_of_key.label -- noqa: RF01
    end
);

comment on function name_of_key is
'What to call a key instead of showing it: a given-out one, live or not, by its name, a user''s by its label.';
