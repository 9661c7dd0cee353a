-- Verdicts on whether an answer was correct, from outside Thunder. Calibration measures the scores against them.

create table outcomes (
    request_pk bigint not null references requests (id) on delete cascade,
    source text not null,
    correct boolean,
    note text,
    recorded_at timestamptz not null default now(),
    primary key (request_pk, source),
    constraint outcomes_source_length check (length(source) between 1 and 200)
);

comment on table outcomes is 'The latest verdict of each source on a request. Null: the source withdrew it.';
comment on column outcomes.source is 'Source of the verdict: a test suite, a person, another model.';

-- Select a score by name, so that queries over any score need not list them.
create function score_of(request requests, score text) returns double precision language sql immutable
return case score
    when 'sequence_confidence' then request.sequence_confidence
    when 'perplexity' then request.perplexity
    when 'sequence_nll' then request.sequence_nll
    when 'min_token_probability' then request.min_token_probability
    when 'mean_token_entropy' then request.mean_token_entropy
    when 'mean_token_negentropy' then request.mean_token_negentropy
    when 'min_token_negentropy' then request.min_token_negentropy
    when 'probability_margin' then request.probability_margin
    when 'mean_confidence' then request.mean_confidence
    when 'tail_confidence' then request.tail_confidence
    when 'lowest_group_confidence' then request.lowest_group_confidence
    when 'bottom_10pct_group_confidence' then request.bottom_10pct_group_confidence
    when 'low_confidence_fraction' then request.low_confidence_fraction
end;
