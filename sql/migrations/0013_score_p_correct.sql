-- The calibrated probability is a score too, so that it can be compared with outcomes. Quote traces name their group.

create or replace function score_of(request requests, score text) returns double precision language sql immutable
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
    when 'p_correct' then request.p_correct
end;

comment on column requests.group_id is
'The id shared by the answers to one prompt: those of one item, whose ids are <group_id>~0, <group_id>~1, …, or as a Quote trace names it.';
