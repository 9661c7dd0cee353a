-- Summarize the scores of the requests in each group. An unknown time zone is an error, even without requests.
with
chosen as (
    select
        backtracks,
        discarded_tokens,
        forced_tokens,
        interventions,
        lowest_group_confidence,
        masked_tokens,
        sampled_in_top_k,
        sampled_tokens,
        scored_tokens,
        sequence_confidence,
        sequence_nll,
        tokens,
        tokens_with_distribution,
        case %(group_by)s
            when 'model' then model
            when 'mod' then active_mod
            when 'user' then user_key_label
            when 'hour'
                then to_char(
                    date_trunc('hour', created_at, %(time_zone)s::text) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
                )
            when 'day' then to_char(created_at at time zone %(time_zone)s::text, 'YYYY-MM-DD')
        end as key
    from requests
    where
        request_matches(requests, %(filters)s::feed_filters)
        and now() at time zone %(time_zone)s::text is not null
)

select
    key,
    count(*) as n,
    avg(sequence_confidence) as confidence_mean,
    percentile_cont(%(fractions)s::double precision[]) within group (
        order by sequence_confidence
    ) as confidence_percentiles,
    avg(lowest_group_confidence) as group_mean,
    percentile_cont(%(fractions)s::double precision[]) within group (
        order by lowest_group_confidence
    ) as group_percentiles,
    sum(sequence_nll) / nullif(sum(scored_tokens), 0) as mean_nll,
    sum(tokens)::bigint as steps,
    sum(tokens_with_distribution)::bigint as with_distribution,
    sum(sampled_tokens)::bigint as sampled,
    sum(sampled_in_top_k)::bigint as sampled_in_top_k,
    sum(forced_tokens)::bigint as forced,
    sum(discarded_tokens)::bigint as discarded,
    sum(masked_tokens)::bigint as masked,
    count(*) filter (where interventions > 0) as with_interventions,
    count(*) filter (where backtracks > 0) as with_backtracks
from chosen
group by key
order by key
limit %(limit)s
