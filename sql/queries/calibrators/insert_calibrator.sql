-- Insert a calibrator, active if no other one of its owner, model, k and logprobs_mode is.
-- A null version is the next one.
insert into calibrators (
    user_key_hmac,
    user_key_label,
    for_users,
    model,
    k,
    logprobs_mode,
    version,
    is_active,
    score,
    method,
    knots,
    probabilities,
    slope,
    intercept,
    n,
    correct,
    labelled_from,
    labelled_to,
    quality,
    created_at
)
values (
    %(user_key_hmac)s::bytea,
    %(user_key_label)s::text,
    %(for_users)s,
    %(model)s,
    %(k)s,
    %(logprobs_mode)s::text,
    coalesce(%(version)s::integer, (
        select coalesce(max(calibrators.version), 0) + 1
        from calibrators
        where
            calibrators.user_key_hmac is not distinct from %(user_key_hmac)s::bytea
            and calibrators.model = %(model)s
            and calibrators.k = %(k)s
            and calibrators.logprobs_mode is not distinct from %(logprobs_mode)s::text
    )),
    %(active)s and not exists (
        select from calibrators
        where
            calibrators.is_active
            and calibrators.user_key_hmac is not distinct from %(user_key_hmac)s::bytea
            and calibrators.model = %(model)s
            and calibrators.k = %(k)s
            and calibrators.logprobs_mode is not distinct from %(logprobs_mode)s::text
    ),
    %(score)s,
    %(method)s,
    %(knots)s::double precision[],
    %(probabilities)s::double precision[],
    %(slope)s::double precision,
    %(intercept)s::double precision,
    %(n)s,
    %(correct)s,
    %(labelled_from)s,
    %(labelled_to)s,
    %(quality)s::jsonb,
    coalesce(%(created_at)s::timestamptz, now())
)
returning id
