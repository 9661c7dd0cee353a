-- List a page of the caller's calibrators, newest first, with the total. A null owner may see every calibrator.
-- Or get the one with an id.
select
    id,
    version,
    is_active as active,
    score,
    method,
    model,
    k,
    logprobs_mode,
    user_key_label as user_api_key,
    for_users,
    n,
    correct,
    jsonb_build_object('start', labelled_from, 'finish', labelled_to) as period,
    (quality ->> 'folds')::integer as folds,
    quality -> 'ece' as ece,
    quality -> 'brier' as brier,
    created_at,
    count(*) over () as total
from calibrators
where
    (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    and (%(id)s::bigint is null or id = %(id)s::bigint)
order by id desc
limit %(limit)s offset %(offset)s
