-- What people add to requests: verdicts, comments, and collections with links of their own.

create table outcomes (
    request_pk bigint not null references requests (id) on delete cascade,
    source text not null,
    correct boolean,
    note text,
    recorded_at timestamptz not null default now(),
    primary key (request_pk, source),
    constraint outcomes_source_length check (length(source) between 1 and 200)
);

comment on table outcomes is 'The latest verdict of each source on a request. Null: the source withdrew it.';
comment on column outcomes.source is 'Source of the verdict: a test suite, a person, another model.';

create table discussions (
    id bigint generated always as identity primary key,
    request_pk bigint not null references requests (id) on delete cascade,
    username text not null,
    comment text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint discussions_username_length check (length(username) between 1 and 200)
);

comment on table discussions is 'Comments on a request.';
comment on column discussions.updated_at is 'Equal to created_at until the comment is edited.';

create index discussions_of_request on discussions (request_pk, id);

create table collections (
    id bigint generated always as identity primary key,
    name text not null,
    description text,
    created_by text,
    user_key_hmac bytea,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    share_nonce bytea,
    share_token_hash bytea,
    constraint collections_name_key unique nulls not distinct (user_key_hmac, name),
    constraint collections_share_token_hash_key unique (share_token_hash),
    constraint collections_name_length check (length(name) between 1 and 200)
);

comment on table collections is 'Named sets of requests. A name is unique per owner.';
comment on column collections.user_key_hmac is 'The owner, as in requests.user_key_hmac. Null: owned by the admins.';
comment on column collections.created_by is 'Author as given by the client, with a label in place of a user API key.';
comment on column collections.share_nonce is 'Set while the collection is public. The share token is derived from it and THUNDER_SECRET.';
comment on column collections.share_token_hash is 'SHA-256 of the share token.';

create index collections_of_user on collections (user_key_hmac, id desc);

create table collection_members (
    collection_id bigint not null references collections (id) on delete cascade,
    request_pk bigint not null references requests (id) on delete cascade,
    added_at timestamptz not null default now(),
    added_by text,
    notes text,
    primary key (collection_id, request_pk)
);

comment on table collection_members is 'The requests in each collection. A user''s collection has only that user''s requests.';

create index collection_members_request on collection_members (request_pk);
-- The order in which a collection's requests are listed, so that a query reads only one page.
create index collection_members_newest on collection_members (collection_id, added_at desc, request_pk desc);

create function request_count(collection collections) returns bigint language sql stable
return (
    select count(*)
    from collection_members
    where collection_members.collection_id = collection.id -- noqa: RF01
);

comment on function request_count is 'The number of requests in a collection, as a computed column.';

create function open_link(token_hash bytea, request_id text) returns bigint language sql stable
return (
    select requests.id
    from requests
    where
        open_link.request_id is null -- noqa: RF01
        and requests.share_token_hash = open_link.token_hash -- noqa: RF01
        and coalesce(requests.share_expires_at > now(), true)
    union all
    select requests.id
    from requests
    inner join collection_members on requests.id = collection_members.request_pk
    inner join collections on collection_members.collection_id = collections.id
    where
        requests.request_id = open_link.request_id -- noqa: RF01
        and collections.share_token_hash = open_link.token_hash -- noqa: RF01
        and (collections.user_key_hmac is null or requests.user_key_hmac = collections.user_key_hmac)
);

comment on function open_link is 'The request that a link opens, or null. With an id: a member of a public collection. Without: the request with this link.';
