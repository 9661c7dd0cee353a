-- Calibrate scores that are not stored, with the calibrator that applies to new requests of this owner.
select
    probability_of(calibrators, (%(scores)s::jsonb ->> calibrators.score)::double precision) as p_correct,
    jsonb_build_object('id', calibrators.id, 'version', calibrators.version) as calibrator
from calibrators
where
    applies_to(calibrators, %(owner)s::bytea, %(model)s, %(k)s, %(logprobs_mode)s::text)
    and %(scores)s::jsonb ->> calibrators.score is not null
order by calibrators.user_key_hmac nulls last
limit 1
