-- Alerts, and their events, which are the outbox of webhooks.

create table alerts (
    id bigint generated always as identity primary key,
    user_key_hmac bytea,
    name text not null,
    kind text not null,
    score text not null,
    fires_above boolean not null,
    threshold double precision,
    share double precision,
    window_s integer,
    filters jsonb not null,
    url text not null,
    include_prompt boolean not null,
    active boolean not null,
    secret_nonce bytea not null,
    previous_nonce bytea,
    previous_until timestamptz,
    is_silent boolean not null default false,
    evaluated_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint alerts_name_length check (length(name) between 1 and 200),
    constraint alerts_kind check (kind in ('threshold', 'rate', 'drift', 'change', 'exception', 'silence'))
);

comment on table alerts is 'Rules that send a webhook when they apply.';
comment on column alerts.user_key_hmac is 'The owner, as in requests.user_key_hmac. Null: owned by the admins.';
comment on column alerts.fires_above is 'Whether scores above the threshold are the uncertain ones.';
comment on column alerts.share is 'Share of the requests of a window beyond the threshold, for the kind rate.';
comment on column alerts.window_s is 'Length of the evaluated period. For threshold and exception: at most one event per window.';
comment on column alerts.filters is 'The requests that the alert covers, with the fields of feed_filters.';
comment on column alerts.secret_nonce is 'The signing secret is derived from it and THUNDER_SECRET.';
comment on column alerts.previous_nonce is 'The nonce before the last rotation.';
comment on column alerts.previous_until is 'Until then, webhooks are signed with the previous secret as well.';
comment on column alerts.is_silent is 'Whether the present silence has had its event.';
comment on column alerts.evaluated_at is 'Last evaluation of an alert of a period.';

create index alerts_of_owner on alerts (user_key_hmac, id desc);
create index alerts_at_ingest on alerts (user_key_hmac) where active and kind in ('threshold', 'exception');
create index alerts_of_periods on alerts (id) where active and kind in ('rate', 'drift', 'change', 'silence');

create function is_due(alert alerts) returns boolean language sql stable
return alert.active and alert.kind in ('rate', 'drift', 'change', 'silence') and coalesce(
    alert.evaluated_at < now() - make_interval(secs => greatest(60, alert.window_s / 12)), true
);

comment on function is_due(alert alerts) is 'Whether to evaluate an alert of a period: twelve times per window, at most once a minute.';

create table alert_events (
    id bigint generated always as identity primary key,
    alert_id bigint not null references alerts (id) on delete cascade,
    webhook_id text not null default 'evt_' || replace(gen_random_uuid()::text, '-', ''),
    kind text not null,
    dedup_key text,
    request_pk bigint references requests (id) on delete cascade,
    window_from timestamptz,
    window_to timestamptz,
    value double precision,
    threshold double precision,
    created_at timestamptz not null default now(),
    status text not null default 'waiting',
    attempts smallint not null default 0,
    next_attempt_at timestamptz not null default now(),
    finished_at timestamptz,
    error text,
    constraint alert_events_dedup_key unique (alert_id, dedup_key),
    constraint alert_events_status check (status in ('waiting', 'delivered', 'failed'))
);

comment on table alert_events is 'What alerts noticed, and the webhooks that are sent for it.';
comment on column alert_events.webhook_id is 'The webhook-id header, the same for each attempt.';
comment on column alert_events.kind is 'The kind of the alert, or test.';
comment on column alert_events.dedup_key is 'The request or window; an alert has one event for each. Null for tests.';
comment on column alert_events.next_attempt_at is 'While an attempt runs: the end of its lease.';
comment on column alert_events.error is 'Why the last attempt failed.';

create index alert_events_newest on alert_events (alert_id, id desc);
create index alert_events_due on alert_events (alert_id, next_attempt_at) where status = 'waiting';
create index alert_events_finished on alert_events (finished_at) where finished_at is not null;
create index alert_events_of_request on alert_events (request_pk) where request_pk is not null;

-- A function instead of a statement of ingest, because planning it takes longer than everything else in an ingest of 60
-- tokens. Without alerts, only the first query is planned and run. Otherwise the plan is made once per connection, also
-- behind a pooler.
create function raise_alerts(request_ids text[], most_waiting bigint) returns bigint language plpgsql
set plan_cache_mode = force_generic_plan
as $$
declare
    raised bigint;
begin
    if not exists (select from alerts where alerts.active and alerts.kind in ('threshold', 'exception')) then
        return 0;
    end if;
    insert into alert_events (alert_id, kind, dedup_key, request_pk, value, threshold)
    select
        alerts.id as alert_id,
        alerts.kind,
        case
            when alerts.window_s is null then 'request ' || requests.id
            else concat_ws(' ', 'window', alerts.window_s, floor(extract(epoch from now()) / alerts.window_s))
        end as dedup_key,
        requests.id as request_pk,
        case when alerts.kind = 'threshold' then scored.value end as value,
        alerts.threshold
    from alerts
    cross join lateral jsonb_populate_record(null::feed_filters, alerts.filters) as covered
    inner join requests on alerts.user_key_hmac is null or alerts.user_key_hmac = requests.user_key_hmac
    cross join lateral score_of(requests, alerts.score) as scored (value)
    where
        alerts.active
        and alerts.kind in ('threshold', 'exception')
        and requests.request_id = any(request_ids)
        and case
            when alerts.kind = 'exception' then requests.has_exception
            when alerts.fires_above then scored.value > alerts.threshold
            else scored.value < alerts.threshold
        end
        and request_matches(requests, covered)
        and (
            select count(*)
            from (
                select alert_events.id from alert_events
                where alert_events.alert_id = alerts.id and alert_events.status = 'waiting'
                order by alert_events.next_attempt_at
                limit most_waiting
            ) as waiting
        ) < most_waiting
    -- In the same order everywhere, because inserting the event of a window may wait for another ingest to commit.
    order by alerts.id, requests.id
    on conflict on constraint alert_events_dedup_key do nothing;
    get diagnostics raised = row_count;
    return raised;
end
$$;

comment on function raise_alerts(text[], bigint) is 'Inserts the events of the alerts that stored requests raise, and returns their number.';
