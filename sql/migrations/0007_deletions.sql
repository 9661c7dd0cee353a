-- Deletion receipts: who deleted how much, without the deleted content.

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
    place bigint not null,
    chain bytea not null,
    constraint deletions_place_key unique (place),
    constraint deletions_reason check (reason in ('request', 'user', 'age'))
);

comment on table deletions is 'One receipt per deleted request. Nothing else of the request remains.';
comment on column deletions.request_sha256 is 'SHA-256 of the request''s id, to find the receipt of a known id.';
comment on column deletions.deleted_by is 'user, admin, key:<id>, command or retention.';
comment on column deletions.reason is 'request: deleted by id. user: deleted with all of the user''s requests. age: expired by retention.';
comment on column deletions.document_bytes is 'Size of the posted document.';

create index deletions_of_request on deletions (request_sha256);

-- For retention, and for the age of the newest trace.
create index requests_ingested on requests (ingested_at);
