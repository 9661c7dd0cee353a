-- The tokens and forward passes of each request, as arrays for statistics. The document has them exactly.

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
