-- What was deleted, by whom and how much of it, without saying what it was.

create table deletions (
    id bigint generated always as identity primary key,
    request_sha256 bytea not null,
    deleted_at timestamptz not null default now(),
    deleted_by text not null,
    reason text not null,
    document_bytes bigint not null,
    steps bigint not null,
    summaries bigint not null,
    mod_calls bigint not null,
    mod_logs bigint not null,
    actions bigint not null,
    discussions bigint not null,
    outcomes bigint not null,
    memberships bigint not null,
    constraint deletions_reason check (reason in ('request', 'user', 'age'))
);

comment on table deletions is 'A receipt for each request that was deleted; nothing else of it is left.';
comment on column deletions.request_sha256 is 'SHA-256 of the request''s id: whoever knows the id finds the receipt.';
comment on column deletions.deleted_by is 'user, admin, key:<id>, command or retention.';
comment on column deletions.reason is 'It was asked for by itself, with all of its user''s, or it was too old.';
comment on column deletions.document_bytes is 'Size of the document as it was posted.';

create index deletions_of_request on deletions (request_sha256);

-- What retention looks for, and when the newest trace came in.
create index requests_ingested on requests (ingested_at);
