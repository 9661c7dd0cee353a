-- Calls are limited per key and per address over all processes. Keys of the playground are marked.

create table call_counts (
    action text not null,
    subject bytea not null,
    most integer not null,
    called_at timestamptz[] not null,
    expires_at timestamptz not null,
    constraint call_counts_pkey primary key (action, subject)
);

comment on table call_counts is 'Recent calls of limited routes, per key and per address.';
comment on column call_counts.action is 'The kind of call, such as inference.';
comment on column call_counts.subject is 'HMAC of the account or the address under THUNDER_SECRET.';
comment on column call_counts.most is 'Calls allowed in the window.';
comment on column call_counts.called_at is 'Times of the calls that counted, at most `most` of them.';
comment on column call_counts.expires_at is 'When the last call leaves the window, and the row can be deleted.';

create index call_counts_by_expiry on call_counts (expires_at);

create function recent_calls(calls timestamptz[], period interval) returns timestamptz[] language sql stable
return array(
    select called_at
    from unnest(calls) as called (called_at)
    where called_at > now() - period
);

comment on function recent_calls is 'The calls within the last period.';

alter table api_keys add column is_playground boolean not null default false;

comment on column api_keys.is_playground is
'Whether POST /playground/api-key created the key. Its requests are those with this key as user_api_key.';
