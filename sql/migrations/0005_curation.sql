-- Tags, favorites, comments and collections, the filters of the feed, and the position of streams.

alter table requests
add column curation bigint not null default 0,
add column has_exception boolean not null default false,
add column search tsvector not null default '',
add column stored_xid xid8 not null default '0';

alter table requests alter column stored_xid set default pg_current_xact_id();

comment on column requests.curation is 'Number of edits to the row. With revision, the version of the log.';
comment on column requests.has_exception is 'Whether a mod''s handler raised an exception.';
comment on column requests.search is 'Words of the prompt and the final text, not stemmed.';
comment on column requests.stored_xid is
'Transaction that stored this revision. Streams compare it with a snapshot (docs/decisions/0008).';

-- Requests from before this migration have the prompt only in the compressed document. Posting them again indexes it.
update requests
set
    has_exception = id in (
        select request_pk from mod_calls
        where exception_occurred
    ),
    search = to_tsvector('simple', substr(coalesce(final_text, ''), 1, 50000));

-- The filters of the feed, in both orders, and of the streams. The planner inlines the function and removes null
-- filters before it chooses an index. Requests without a confidence sort last and fail every bound on it.
create function request_matches(
    request requests,
    model text,
    mod text,
    tag text,
    favorited_by text,
    created_from timestamptz,
    created_to timestamptz,
    min_confidence double precision,
    max_confidence double precision,
    has_exception boolean,
    query tsquery
) returns boolean language sql immutable
return (model is null or request.model = request_matches.model)
and (mod is null or request.mods @> array[request_matches.mod])
and (tag is null or request.tags <> '{}' and request.tags @> array[request_matches.tag])
and (
    favorited_by is null
    or request.favorited_by <> '{}' and request.favorited_by @> array[request_matches.favorited_by]
)
and (created_from is null or request.created_at >= created_from)
and (created_to is null or request.created_at < created_to)
and (min_confidence is null or coalesce(request.sequence_confidence, 2) >= min_confidence)
and (min_confidence is null or coalesce(request.sequence_confidence, 2) <= 1)
and (max_confidence is null or coalesce(request.sequence_confidence, 2) <= max_confidence)
and (max_confidence is null or coalesce(request.sequence_confidence, 2) <= 1)
and (has_exception is null or request.has_exception = request_matches.has_exception)
and (query is null or request.search @@ query);

comment on function request_matches is 'Whether a request passes the feed''s filters. A null filter passes every request.';

create index requests_of_model on requests (model, created_at desc, id desc);
create index requests_least_sure on requests ((coalesce(sequence_confidence, 2)), id);
create index requests_least_sure_of_user on requests (user_key_hmac, (coalesce(sequence_confidence, 2)), id);
create index requests_with_exception on requests (created_at desc, id desc) where has_exception;
create index requests_mods on requests using gin (mods);
-- Few requests have tags or favorites. These partial indexes exclude the others, so ingest does not write to them.
create index requests_tagged on requests (created_at desc, id desc) where tags <> '{}';
create index requests_favorited on requests (created_at desc, id desc) where favorited_by <> '{}';
create index requests_search on requests using gin (search);
create index requests_position on requests (stored_xid, id);

create function count_curation() returns trigger language plpgsql as $$
begin
    if (old.tags, old.favorited_by, old.discussion_count, old.share_nonce, old.share_expires_at)
        is distinct from (new.tags, new.favorited_by, new.discussion_count, new.share_nonce, new.share_expires_at)
    then
        new.curation = old.curation + 1;
    end if;
    return new;
end
$$;

create trigger requests_count_curation before update on requests
for each row execute function count_curation();

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
create index discussions_request on discussions (request_pk);

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

create table collection_members (
    collection_id bigint not null references collections (id) on delete cascade,
    request_pk bigint not null references requests (id) on delete cascade,
    added_at timestamptz not null default now(),
    added_by text,
    notes text,
    primary key (collection_id, request_pk)
);

comment on table collection_members is 'The requests in each collection. A user''s collection has only that user''s requests.';

create index collection_members_collection on collection_members (collection_id);
create index collection_members_request on collection_members (request_pk);
