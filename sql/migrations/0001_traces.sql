-- A trace is written once and read as a whole from request_traces. The table requests has the columns that the feed
-- shows, filters and sorts by. The other tables are for statistics. Child rows refer to the bigint id, not the text id.

create table requests (
    id bigint generated always as identity primary key,
    request_id text not null,
    revision integer not null default 1,
    created_at timestamptz not null,
    completed_at timestamptz,
    ingested_at timestamptz not null default now(),
    model text,
    user_key_hmac bytea,
    user_key_label text,
    posted_by text not null,
    active_mod text,
    mods text[] not null,
    final_text text,
    total_steps integer not null,
    k integer,
    tokens integer not null,
    tokens_with_distribution integer not null,
    sampled_tokens integer not null,
    sampled_in_top_k integer not null,
    scored_tokens integer not null,
    forced_tokens integer not null,
    discarded_tokens integer not null,
    masked_tokens integer not null,
    interventions integer not null,
    backtracks integer not null,
    sequence_confidence double precision,
    sequence_confidence_is_bound boolean,
    perplexity double precision,
    sequence_nll double precision,
    min_token_probability double precision,
    mean_token_entropy double precision,
    mean_token_negentropy double precision,
    min_token_negentropy double precision,
    probability_margin double precision,
    mean_confidence double precision,
    tail_confidence double precision,
    lowest_group_confidence double precision,
    bottom_10pct_group_confidence double precision,
    low_confidence_fraction double precision,
    group_confidence real[],
    scoring_version smallint not null default 0,
    tags text[] not null default '{}',
    favorited_by text[] not null default '{}',
    discussion_count integer not null default 0,
    share_nonce bytea,
    share_token_hash bytea,
    share_expires_at timestamptz,
    constraint requests_request_id_key unique (request_id),
    constraint requests_share_token_hash_key unique (share_token_hash),
    constraint requests_request_id_length check (length(request_id) between 1 and 512)
);

comment on table requests is 'One row per inference, with the columns that the feed shows, filters or sorts by.';
comment on column requests.request_id is 'The client''s id, the only one used outside the database.';
comment on column requests.revision is 'Number of traces posted under this id, from 1.';
comment on column requests.created_at is 'Start of the inference by the client''s clock, or the time of ingest if the trace has none.';
comment on column requests.total_steps is 'Number of forward passes.';
comment on column requests.active_mod is 'The mod that the request names, else the first mod called.';
comment on column requests.mods is 'Every mod named or called.';
comment on column requests.scored_tokens is 'Number of sampled tokens with a known probability or upper bound, the tokens in sequence_nll.';
comment on column requests.k is 'Length of the longest top-k list. Null if no pass had one.';
comment on column requests.sequence_confidence is 'exp(mean ln p) over the sampled tokens that were not discarded. See docs/CONFIDENCE.md.';
comment on column requests.sequence_nll is 'Sum of -ln p over the same tokens, in nats.';
comment on column requests.group_confidence is
'The lowest group confidence (32 tokens) in each of up to 32 equal parts of the request, in order, in nats.';
comment on column requests.scoring_version is 'Version of the scoring rules. `manage.py rescore` updates older scores.';
comment on column requests.user_key_hmac is
'The owner: HMAC-SHA256 of the user API key under THUNDER_SECRET. Null: owned by the admins.';
comment on column requests.user_key_label is 'Label of that key.';
comment on column requests.posted_by is 'Poster of the trace: open, admin, or key:<id of the first key of a rotation>.';
comment on column requests.share_nonce is 'Set while the request is public. The share token is derived from it and THUNDER_SECRET.';
comment on column requests.share_token_hash is 'SHA-256 of the share token.';

create index requests_newest on requests (created_at desc, id desc);
create index requests_newest_of_user on requests (user_key_hmac, created_at desc, id desc);

create table request_traces (
    request_pk bigint primary key references requests (id) on delete cascade,
    format smallint not null,
    document bytea not null,
    document_bytes bigint not null
);

-- The document is already a zstd frame, so compressing it again would waste time.
alter table request_traces alter column document set storage external;

comment on table request_traces is 'The document of each request. Everything else is derived from it.';
comment on column request_traces.format is 'Format of the document. 1: a Quote trace. Readers reject unknown formats.';
comment on column request_traces.document is
'The posted body as one zstd frame, with labels in place of user API keys.';
comment on column request_traces.document_bytes is 'Length of the body before compression.';

-- One array per column instead of one row per token (docs/decisions/0014). These scores have seven digits. The exact
-- scores can be derived from the document.
create table request_steps (
    request_pk bigint primary key references requests (id) on delete cascade,
    generation_step integer[] not null,
    token integer[] not null,
    token_text text[] not null,
    forced boolean[] not null,
    forced_by text[],
    adjusted_logits boolean[] not null,
    discarded boolean[] not null,
    logprob real[] not null,
    prob_upper_bound real[] not null,
    rank smallint[] not null,
    entropy real[] not null,
    missing_mass real[] not null,
    flatness real[] not null,
    margin real[] not null,
    token_confidence real[] not null
);

comment on table request_steps is
'The tokens that entered the text: one row per request, one array per column. The view steps has one row per token.';
comment on column request_steps.forced_by is 'Null if no token was forced.';

create view steps as
select
    requests.request_id,
    step.step_index::integer - 1 as step_index,
    step.generation_step,
    step.token,
    step.token_text,
    step.forced,
    step.forced_by,
    step.adjusted_logits,
    step.discarded,
    exp(step.logprob::double precision)::real as prob,
    step.prob_upper_bound,
    step.logprob,
    -step.logprob as surprisal,
    step.rank,
    step.entropy,
    step.missing_mass,
    step.flatness,
    step.margin,
    step.token_confidence
from requests
inner join request_steps on requests.id = request_steps.request_pk
cross join
    lateral unnest(
        request_steps.generation_step,
        request_steps.token,
        request_steps.token_text,
        request_steps.forced,
        request_steps.forced_by,
        request_steps.adjusted_logits,
        request_steps.discarded,
        request_steps.logprob,
        request_steps.prob_upper_bound,
        request_steps.rank,
        request_steps.entropy,
        request_steps.missing_mass,
        request_steps.flatness,
        request_steps.margin,
        request_steps.token_confidence
    ) with ordinality as step (
        generation_step,
        token,
        token_text,
        forced,
        forced_by,
        adjusted_logits,
        discarded,
        logprob,
        prob_upper_bound,
        rank,
        entropy,
        missing_mass,
        flatness,
        margin,
        token_confidence,
        step_index
    );

comment on view steps is 'One row per token that entered the text, with its scores, including forced and later discarded tokens.';
comment on column steps.step_index is 'Position of the token in the text, from 0, counting discarded tokens.';
comment on column steps.generation_step is 'Forward pass of the token, from 0. Null for tokens added before the first pass.';
comment on column steps.prob is 'Null if the token is not in the top k. prob_upper_bound then bounds it.';
comment on column steps.surprisal is 'In nats, like every entropy and logprob in this view.';

create table step_logit_summaries (
    request_pk bigint primary key references requests (id) on delete cascade,
    generation_step integer[] not null,
    k smallint[] not null,
    top_p_count smallint[] not null,
    top_p_cutoff real[] not null
);

comment on table step_logit_summaries is
'The forward passes with a top-k list, one row per request. The view passes has one row per pass. The document has the lists.';

create view passes as
select
    requests.request_id,
    pass.generation_step,
    pass.k,
    pass.top_p_count,
    pass.top_p_cutoff
from requests
inner join step_logit_summaries on requests.id = step_logit_summaries.request_pk
cross join
    lateral unnest(
        step_logit_summaries.generation_step,
        step_logit_summaries.k,
        step_logit_summaries.top_p_count,
        step_logit_summaries.top_p_cutoff
    ) as pass (generation_step, k, top_p_count, top_p_cutoff);

comment on view passes is 'One row per forward pass that had a top-k list.';
comment on column passes.k is 'Number of entries in the list.';
comment on column passes.top_p_count is 'Number of tokens in the nucleus. Null if the nucleus ends outside the list.';
comment on column passes.top_p_cutoff is 'Lowest probability in the nucleus.';

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
