-- Export the calibrators of an owner, of a model, and of a period of creation, oldest first.
select
    jsonb_build_object(
        'user_api_key', user_key_label,
        'for_users', for_users,
        'model', model,
        'k', k,
        'logprobs_mode', logprobs_mode,
        'version', version,
        'active', is_active,
        'score', score,
        'method', method,
        'knots', knots,
        'probabilities', probabilities,
        'slope', slope,
        'intercept', intercept,
        'n', n,
        'correct', correct,
        'labelled_from', labelled_from,
        'labelled_to', labelled_to,
        'quality', quality,
        'created_at', created_at
    ) as thunder_calibrator
from calibrators
where
    ((%(filters)s::feed_filters).owner is null or user_key_hmac = (%(filters)s::feed_filters).owner)
    and ((%(filters)s::feed_filters).model is null or model = (%(filters)s::feed_filters).model)
    and created_at >= coalesce((%(filters)s::feed_filters).created_from, '-infinity')
    and created_at < coalesce((%(filters)s::feed_filters).created_to, 'infinity')
order by id
