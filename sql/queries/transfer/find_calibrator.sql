-- Find a version of a calibrator of an owner.
select
    id,
    score,
    method,
    knots,
    probabilities,
    slope,
    intercept,
    for_users
from calibrators
where
    user_key_hmac is not distinct from %(user_key_hmac)s::bytea
    and model = %(model)s
    and k = %(k)s
    and logprobs_mode is not distinct from %(logprobs_mode)s::text
    and version = %(version)s
