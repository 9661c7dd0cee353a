-- The mods that requests called: their handlers, calls, log lines and actions.

create table mods (
    id bigint generated always as identity primary key,
    name text not null,
    constraint mods_name_key unique (name)
);

comment on table mods is 'Mods, by the part of their name before an @.';

create table mod_blocks (
    id bigint generated always as identity primary key,
    mod_id bigint not null references mods (id) on delete cascade,
    event_type text not null,
    block_key text not null,
    constraint mod_blocks_block_key_key unique (block_key)
);

comment on table mod_blocks is 'Handlers of mods, one per event type.';
comment on column mod_blocks.block_key is 'Name of the handler: <mod>:<event type>.';

create index mod_blocks_mod on mod_blocks (mod_id);

create table mod_calls (
    request_pk bigint not null references requests (id) on delete cascade,
    call_index integer not null,
    block_id bigint not null references mod_blocks (id) on delete cascade,
    generation_step integer,
    execution_time_ms double precision,
    exception_occurred boolean not null,
    exception_message text,
    created_at timestamptz,
    primary key (request_pk, call_index)
);

comment on table mod_calls is 'Calls of handlers. call_index is the position in the posted list, from 0.';

create index mod_calls_block on mod_calls (block_id);

create table mod_logs (
    request_pk bigint not null references requests (id) on delete cascade,
    log_index integer not null,
    call_index integer not null,
    log_level text not null,
    log_message text not null,
    created_at timestamptz,
    primary key (request_pk, log_index)
);

comment on table mod_logs is 'Lines logged by mods.';

create table actions (
    request_pk bigint not null references requests (id) on delete cascade,
    action_index integer not null,
    call_index integer not null,
    block_id bigint not null references mod_blocks (id) on delete cascade,
    action_type text not null,
    generation_step integer,
    step_index integer,
    forced_tokens integer not null,
    discarded_tokens integer not null,
    intervention_surprisal double precision,
    confidence_change double precision,
    created_at timestamptz,
    primary key (request_pk, action_index)
);

comment on table actions is 'Actions of mods, with the token they changed and their effect.';
comment on column actions.step_index is 'First token that the action changed. Null if it changed none.';
comment on column actions.intervention_surprisal is '-ln p of the first forced token under the model, in nats. A lower bound if p is unknown.';
comment on column actions.confidence_change is
'Sequence confidence of the next 8 sampled tokens minus the sequence confidence of the previous 8.';

create index actions_block on actions (block_id);
