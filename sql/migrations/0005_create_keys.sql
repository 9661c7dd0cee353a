-- API keys. No key is stored as text: api_keys has SHA-256 hashes, and requests has HMACs of user API keys.

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

comment on table api_keys is 'Issued API keys. Each is shown once and stored as a hash.';
comment on column api_keys.root_id is 'First key of the rotation, which identifies the poster of a trace. Null for the first key.';
comment on column api_keys.key_hash is 'SHA-256 of the key, which has 256 random bits.';
comment on column api_keys.user_key_hmac is 'The user whose requests the key can see or post, unless it is an admin key. See requests.user_key_hmac.';
comment on column api_keys.replaced_at is 'When a rotation created its successor. The key stays live until the overlap ends.';
comment on column api_keys.last_used_at is 'Accurate to five minutes, so that not every request writes.';

create function is_live(issued api_keys) returns boolean language sql stable
return issued.revoked_at is null and coalesce(issued.expires_at > now(), true);

comment on function is_live is 'Whether a key may be used: neither revoked nor expired.';

create table bootstrap_attempts (
    id bigint generated always as identity primary key,
    address text not null default '',
    attempted_at timestamptz not null default now()
);

comment on table bootstrap_attempts is
'Failed attempts at POST /auth/bootstrap within a minute, counted across all containers.';
comment on column bootstrap_attempts.address is 'Address of the client. For IPv6, its 64-bit network.';

create index bootstrap_attempts_of_address on bootstrap_attempts (address, attempted_at);
create index bootstrap_attempts_newest on bootstrap_attempts (attempted_at);

create table generated_secret (
    only_row boolean primary key default true,
    secret text not null,
    generated_at timestamptz not null default now(),
    constraint generated_secret_only_row check (only_row)
);

comment on table generated_secret is
'Replaces THUNDER_SECRET if that is not set. A leak of the database then includes the secret. See docs/ACCESS.md.';

create type storable_text as (
    text text,
    key_hash bytea,
    user_key_hmac bytea,
    label text
);

comment on type storable_text is
'A text from a client, with its hashes and its label if it may be a key. See StorableText in core/access/session.py.';

create function mask_key(said storable_text) returns text language sql stable
return coalesce(
    (
        select api_keys.name
        from api_keys
        where api_keys.key_hash = said.key_hash -- noqa: RF01
    ),
    case
        when exists (
            select from requests
            where requests.user_key_hmac = said.user_key_hmac -- noqa: RF01
        )
        or exists (
            select from api_keys
            where api_keys.user_key_hmac = said.user_key_hmac -- noqa: RF01
        ) then said.label
        else said.text
    end
);

comment on function mask_key is
'The text to store: for a key, the name of the issued key, live or not, or the label of the user API key.';
