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

-- One row of arrays per request, as for the tokens (decision 0015). The views have a row per call, line or action.
create table mod_calls (
    request_pk bigint primary key references requests (id) on delete cascade,
    block_keys text[] not null,
    block integer[] not null,
    generation_step integer[] not null,
    execution_time_ms double precision[] not null,
    exception_occurred boolean[] not null,
    exception_message text[],
    created_at timestamptz[] not null
);

comment on table mod_calls is 'Calls of handlers, in the order of the posted list.';
comment on column mod_calls.block_keys is 'The handlers that were called, as in mod_blocks.block_key, each once.';
comment on column mod_calls.block is 'The handler of each call: its position in block_keys, from 0.';
comment on column mod_calls.exception_message is 'Null if no call raised an exception with a message.';

create table mod_logs (
    request_pk bigint primary key references requests (id) on delete cascade,
    call_index integer[] not null,
    log_level text[] not null,
    log_message text[] not null,
    created_at timestamptz[] not null
);

comment on table mod_logs is 'Lines logged by mods, in the order of the posted list.';

create table actions (
    request_pk bigint primary key references requests (id) on delete cascade,
    call_index integer[] not null,
    action_type text[] not null,
    generation_step integer[] not null,
    step_index integer[] not null,
    forced_tokens integer[] not null,
    discarded_tokens integer[] not null,
    intervention_surprisal double precision[] not null,
    confidence_change double precision[] not null,
    created_at timestamptz[] not null
);

comment on table actions is 'Actions of mods, in the order of the posted list, with the token they changed and their effect.';

create view handler_calls as
select
    requests as request,
    requests.id as request_pk,
    requests.request_id,
    call.call_index::integer - 1 as call_index,
    mod_calls.block_keys[call.block + 1] as block_key,
    call.generation_step,
    call.execution_time_ms,
    call.exception_occurred,
    mod_calls.exception_message[call.call_index] as exception_message,
    call.created_at
from requests
inner join mod_calls on requests.id = mod_calls.request_pk
cross join
    lateral unnest(
        mod_calls.block,
        mod_calls.generation_step,
        mod_calls.execution_time_ms,
        mod_calls.exception_occurred,
        mod_calls.created_at
    ) with ordinality as call (
        block,
        generation_step,
        execution_time_ms,
        exception_occurred,
        created_at,
        call_index
    );

comment on view handler_calls is 'One row per call of a handler.';
comment on column handler_calls.request is 'The whole row of the request, for request_matches.';
comment on column handler_calls.call_index is 'Position in the posted list, from 0.';
comment on column handler_calls.block_key is 'The handler, as in mod_blocks.';

create view handler_logs as
select
    requests.request_id,
    line.log_index::integer - 1 as log_index,
    line.call_index,
    line.log_level,
    line.log_message,
    line.created_at
from requests
inner join mod_logs on requests.id = mod_logs.request_pk
cross join
    lateral unnest(mod_logs.call_index, mod_logs.log_level, mod_logs.log_message, mod_logs.created_at)
    with ordinality as line (call_index, log_level, log_message, created_at, log_index);

comment on view handler_logs is 'One row per line logged by a handler.';
comment on column handler_logs.log_index is 'Position in the posted list, from 0.';

create view handler_actions as
select
    requests as request,
    requests.id as request_pk,
    requests.request_id,
    action.action_index::integer - 1 as action_index,
    action.call_index,
    mod_calls.block_keys[mod_calls.block[action.call_index + 1] + 1] as block_key,
    action.action_type,
    action.generation_step,
    action.step_index,
    action.forced_tokens,
    action.discarded_tokens,
    action.intervention_surprisal,
    action.confidence_change,
    action.created_at
from requests
inner join mod_calls on requests.id = mod_calls.request_pk
inner join actions on requests.id = actions.request_pk
cross join
    lateral unnest(
        actions.call_index,
        actions.action_type,
        actions.generation_step,
        actions.step_index,
        actions.forced_tokens,
        actions.discarded_tokens,
        actions.intervention_surprisal,
        actions.confidence_change,
        actions.created_at
    ) with ordinality as action (
        call_index,
        action_type,
        generation_step,
        step_index,
        forced_tokens,
        discarded_tokens,
        intervention_surprisal,
        confidence_change,
        created_at,
        action_index
    );

comment on view handler_actions is 'One row per action of a handler.';
comment on column handler_actions.request is 'The whole row of the request, for request_matches.';
comment on column handler_actions.action_index is 'Position in the posted list, from 0.';
comment on column handler_actions.block_key is 'The handler, as in mod_blocks.';
comment on column handler_actions.step_index is 'First token that the action changed. Null if it changed none.';
comment on column handler_actions.intervention_surprisal is
'-ln p of the first forced token under the model, in nats. A lower bound if p is unknown.';
comment on column handler_actions.confidence_change is
'Sequence confidence of the next 8 sampled tokens minus the sequence confidence of the previous 8.';
