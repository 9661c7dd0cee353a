-- A trace is written once and read whole: request_traces keeps it, requests holds what the feed shows, filters and
-- sorts by, and the other tables hold what statistics are made of. Child rows refer to the bigint, not to the text id.

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

comment on table requests is 'One row per inference: everything the feed shows, filters or sorts by.';
comment on column requests.request_id is 'The id the client gave; the only name of a request outside the database.';
comment on column requests.revision is 'Counts the traces posted under this id, from 1.';
comment on column requests.created_at is 'When the inference began, by the client''s clock; the time of ingest if it did not say.';
comment on column requests.total_steps is 'Forward passes.';
comment on column requests.active_mod is 'The mod that the request named, else the first one that was called.';
comment on column requests.mods is 'Every mod that was named or called.';
comment on column requests.scored_tokens is 'Sampled tokens whose probability or its upper bound is known: those of sequence_nll.';
comment on column requests.k is 'Length of the longest top-k list; null when no pass had one.';
comment on column requests.sequence_confidence is 'exp(mean ln p) over sampled, surviving tokens; see docs/CONFIDENCE.md.';
comment on column requests.sequence_nll is 'Nats: the sum of -ln p over the same tokens.';
comment on column requests.group_confidence is
'Nats: the lowest group confidence (32 tokens) in each of up to 32 equal parts of the request, in order.';
comment on column requests.scoring_version is 'The version of the rules that the scores follow; `manage.py rescore` updates older ones.';
comment on column requests.user_key_hmac is
'HMAC-SHA256 of the user''s key under THUNDER_SECRET: whose request it is. Null: the admins''.';
comment on column requests.user_key_label is 'What is shown of that key.';
comment on column requests.posted_by is 'Who posted it: open, admin, or key:<id of the first key of a rotation>.';
comment on column requests.share_nonce is 'Set while the request is public: the share token is derived from it and THUNDER_SECRET.';
comment on column requests.share_token_hash is 'SHA-256 of the share token.';

create index requests_newest on requests (created_at desc, id desc);
create index requests_newest_of_user on requests (user_key_hmac, created_at desc, id desc);

create table request_traces (
    request_pk bigint primary key references requests (id) on delete cascade,
    format smallint not null,
    document bytea not null,
    document_bytes bigint not null
);

-- A zstd frame already: compressing it again would only cost time.
alter table request_traces alter column document set storage external;

comment on table request_traces is 'The document itself, whole; one row per request. Everything else is derived from it.';
comment on column request_traces.format is '1: what the Quote engine posts. Code refuses to read a format that it does not know.';
comment on column request_traces.document is
'One zstd frame: the body as it was posted, with labels in place of user API keys.';
comment on column request_traces.document_bytes is 'Length of the body before compression.';

-- One array per column instead of one row per token (docs/decisions/0014). Scores have seven digits here; the exact
-- ones follow from the document.
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
'One row per request: the tokens that entered the text, one array per column. The view steps has a row per token.';
comment on column request_steps.forced_by is 'Null where no token was forced.';

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

comment on view steps is 'One row per token that entered the text, scored; forced and later discarded ones too.';
comment on column steps.step_index is 'Position of the token among all that entered the text, from 0.';
comment on column steps.generation_step is 'The forward pass it belongs to, from 0; null for tokens added before the first.';
comment on column steps.prob is 'Null where the token is not among the top k: its prob_upper_bound then holds.';
comment on column steps.surprisal is 'Nats, like every entropy and logprob here.';

create table step_logit_summaries (
    request_pk bigint primary key references requests (id) on delete cascade,
    generation_step integer[] not null,
    k smallint[] not null,
    top_p_count smallint[] not null,
    top_p_cutoff real[] not null
);

comment on table step_logit_summaries is
'One row per request: the forward passes that had a top-k list. The view passes has a row per pass. The lists themselves are in the document.';

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
comment on column passes.k is 'Entries of the list.';
comment on column passes.top_p_count is 'Tokens of the nucleus; null where it ends outside the list.';
comment on column passes.top_p_cutoff is 'The least probability in the nucleus.';

create table mods (
    id bigint generated always as identity primary key,
    name text not null,
    constraint mods_name_key unique (name)
);

comment on table mods is 'Each mod ever seen, by the name before any @.';

create table mod_blocks (
    id bigint generated always as identity primary key,
    mod_id bigint not null references mods (id) on delete cascade,
    event_type text not null,
    block_key text not null,
    constraint mod_blocks_block_key_key unique (block_key)
);

comment on table mod_blocks is 'Each handler of a mod: one per event type it was called for.';
comment on column mod_blocks.block_key is 'The handler''s name: <mod>:<event type>.';

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

comment on table mod_calls is 'Each call of a handler; call_index is its place in the posted list, from 0.';

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

comment on table mod_logs is 'Each line a mod logged.';

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

comment on table actions is 'Each thing a mod did, with the step it changed and what that did.';
comment on column actions.step_index is 'The first token it changed; null if it changed none.';
comment on column actions.intervention_surprisal is 'Nats: -ln p of the first forced token under the model; a lower bound if p is not known.';
comment on column actions.confidence_change is
'Sequence confidence of the 8 sampled tokens after minus that of the 8 before.';

create index actions_block on actions (block_id);
