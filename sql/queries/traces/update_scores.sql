-- Replace the stored scores of a request.
-- This counts as a change visible to readers, so `curation` grows.
update requests
set
    total_steps = %(total_steps)s,
    k = %(k)s::integer,
    sampled_tokens = %(sampled_tokens)s,
    forced_tokens = %(forced_tokens)s,
    discarded_tokens = %(discarded_tokens)s,
    sequence_confidence = %(sequence_confidence)s::double precision,
    sequence_confidence_is_bound = %(sequence_confidence_is_bound)s::boolean,
    sequence_nll = %(sequence_nll)s::double precision,
    lowest_group_confidence = %(lowest_group_confidence)s::double precision,
    tokens = %(tokens)s,
    tokens_with_distribution = %(tokens_with_distribution)s,
    sampled_in_top_k = %(sampled_in_top_k)s,
    scored_tokens = %(scored_tokens)s,
    masked_tokens = %(masked_tokens)s,
    interventions = %(interventions)s,
    backtracks = %(backtracks)s,
    perplexity = %(perplexity)s::double precision,
    min_token_probability = %(min_token_probability)s::double precision,
    mean_token_entropy = %(mean_token_entropy)s::double precision,
    mean_token_negentropy = %(mean_token_negentropy)s::double precision,
    min_token_negentropy = %(min_token_negentropy)s::double precision,
    probability_margin = %(probability_margin)s::double precision,
    mean_confidence = %(mean_confidence)s::double precision,
    tail_confidence = %(tail_confidence)s::double precision,
    bottom_10pct_group_confidence = %(bottom_10pct_group_confidence)s::double precision,
    group_confidence = %(group_confidence)s::real[],
    low_confidence_fraction = %(low_confidence_fraction)s::double precision,
    scoring_version = %(scoring_version)s,
    curation = curation + 1
where request_id = %(request_id)s
