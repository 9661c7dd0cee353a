-- Runs of the activations page. A run and the trace that the HF server posts for it refer to each other.

create table activation_runs (
    id bigint generated always as identity primary key,
    request_id text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    user_key_hmac bytea,
    user_key_label text,
    is_keyless boolean not null,
    model_id text not null,
    prompt_chars integer not null,
    output_tokens integer not null,
    activation_rows_count integer not null,
    unique_features_count integer not null,
    sae_enabled boolean not null,
    sae_id text,
    sae_layer integer,
    duration_ms bigint not null,
    status text not null,
    error_message text,
    top_features_preview bigint[] not null,
    trace_request_id text,
    request_pk bigint,
    constraint activation_runs_request_id_key unique (request_id),
    constraint activation_runs_request_pk_key unique (request_pk),
    constraint activation_runs_request_pk_fkey foreign key (request_pk) references requests (id) on delete cascade,
    constraint activation_runs_status check (status in ('ok', 'error'))
);

comment on table activation_runs is 'One row per run of the activations page, failed ones included.';
comment on column activation_runs.request_id is 'The id of the run: ax-<32 hex digits>, or as the caller chose.';
comment on column activation_runs.user_key_hmac is
'The owner, as in requests.user_key_hmac. Null: owned by the admins, or run without a key.';
comment on column activation_runs.user_key_label is 'Label of that key.';
comment on column activation_runs.is_keyless is 'Whether it was run without a key, so that callers without a key see it.';
comment on column activation_runs.output_tokens is 'Number of tokens of the whole sequence, the prompt included.';
comment on column activation_runs.activation_rows_count is 'Number of pairs of a token and a feature in the timeline.';
comment on column activation_runs.duration_ms is 'How long the HF server took. 0 if it failed.';
comment on column activation_runs.error_message is 'Why the run failed.';
comment on column activation_runs.top_features_preview is 'The features with the highest activations, at most 20.';
comment on column activation_runs.trace_request_id is 'The request_id of the trace that the HF server posts for the run.';
comment on column activation_runs.request_pk is 'That trace, once it is stored. It takes the run with it when it is deleted.';

create index activation_runs_by_time on activation_runs (created_at, request_id);
create index activation_runs_by_owner on activation_runs (user_key_hmac) where user_key_hmac is not null;
create index activation_runs_by_trace on activation_runs (trace_request_id) where trace_request_id is not null;

create table activation_previews (
    run_id bigint primary key,
    prompt text not null,
    output_text text not null,
    output_token_ids bigint[] not null,
    sae_top_k integer not null,
    answer bytea not null,
    answer_bytes bigint not null,
    constraint activation_previews_run_id_fkey foreign key (run_id) references activation_runs (id) on delete cascade
);

-- The answer is compressed already.
alter table activation_previews alter column answer set storage external;

comment on table activation_previews is 'The texts and features of a run that succeeded.';
comment on column activation_previews.output_token_ids is 'Token ids of the whole sequence, the prompt first.';
comment on column activation_previews.answer is
'The answer of the HF server as one zstd frame of JSON. It has the feature timeline; rows and statistics are derived from it.';
comment on column activation_previews.answer_bytes is 'Length of the answer before compression.';

create function is_visible(run activation_runs, sees_all boolean, is_keyless boolean, owner bytea)
returns boolean language sql immutable
return sees_all or (is_keyless and run.is_keyless) or coalesce(run.user_key_hmac = owner, false);

comment on function is_visible is
'Whether a caller sees a run. Admins see all, callers without a key those without a key, others their own.';

create function may_link(run activation_runs, request requests) returns boolean language sql immutable
return run.request_pk is null
and (request.user_key_hmac is null or request.user_key_hmac = run.user_key_hmac);

comment on function may_link is
'Whether a run and its trace can be linked. A trace with an owner is linked only to a run of this owner.';

create function link_activation_run() returns trigger language plpgsql as $$
begin
    -- A run and its trace may be stored at the same time. The one that is second sees the first.
    perform pg_advisory_xact_lock(hashtextextended(new.request_id, 0));
    update activation_runs
    set request_pk = new.id, updated_at = now()
    where trace_request_id = new.request_id and may_link(activation_runs, new);
    return null;
end
$$;

comment on function link_activation_run is 'Links a new trace to its run.';

create trigger link_activation_run
after insert on requests
for each row when (new.request_id like 'hf-%') execute function link_activation_run();

create function count_linked_run() returns trigger language plpgsql as $$
begin
    update requests
    set curation = curation + 1
    where
        id in (old.request_pk, new.request_pk)
        and old.request_pk is distinct from new.request_pk;
    return null;
end
$$;

comment on function count_linked_run is 'Changes the version of a log whose run was stored or deleted.';

create trigger count_linked_run
after insert or delete or update of request_pk on activation_runs
for each row execute function count_linked_run();

-- A rotation of THUNDER_SECRET moves the runs of an owner, too.

create trigger activation_runs_assign_owner before insert on activation_runs
for each row when (new.user_key_hmac is not null) execute function assign_owner();

create or replace function has_rows(owner bytea) returns boolean language plpgsql stable as $$
begin
    return
        exists (
            select from requests
            where requests.user_key_hmac = has_rows.owner
        )
        or exists (
            select from api_keys
            where api_keys.user_key_hmac = has_rows.owner
        )
        or exists (
            select from collections
            where collections.user_key_hmac = has_rows.owner
        )
        or exists (
            select from alerts
            where alerts.user_key_hmac = has_rows.owner
        )
        or exists (
            select from calibrators
            where calibrators.user_key_hmac = has_rows.owner
        )
        or exists (
            select from activation_runs
            where activation_runs.user_key_hmac = has_rows.owner
        );
end
$$;

create or replace view owners as
select
    requests.user_key_hmac,
    requests.user_key_label
from requests
where requests.user_key_hmac is not null
union all
select
    api_keys.user_key_hmac,
    api_keys.user_key_label
from api_keys
where api_keys.user_key_hmac is not null
union all
select
    calibrators.user_key_hmac,
    calibrators.user_key_label
from calibrators
where calibrators.user_key_hmac is not null
union all
select
    collections.user_key_hmac,
    null as user_key_label
from collections
where collections.user_key_hmac is not null
union all
select
    alerts.user_key_hmac,
    null as user_key_label
from alerts
where alerts.user_key_hmac is not null
union all
select
    activation_runs.user_key_hmac,
    activation_runs.user_key_label
from activation_runs
where activation_runs.user_key_hmac is not null;

create function move_activation_runs() returns trigger language plpgsql as $$
begin
    update activation_runs
    set user_key_hmac = new.present_hmac, user_key_label = new.present_label
    where user_key_hmac = new.user_key_hmac;
    return null;
end
$$;

comment on function move_activation_runs is 'Moves the runs of an owner whose rows move to the present secret (move_owner).';

create trigger move_activation_runs
after insert or update of present_hmac on former_owners
for each row when (new.present_hmac is not null) execute function move_activation_runs();
