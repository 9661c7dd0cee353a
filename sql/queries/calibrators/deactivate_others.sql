-- Deactivate the calibrators that a caller's calibrator replaces: those of the same owner, model, k and logprobs_mode.
update calibrators
set is_active = false
from calibrators as chosen
where
    chosen.id = %(id)s
    and (%(owner)s::bytea is null or chosen.user_key_hmac = %(owner)s::bytea)
    and calibrators.is_active
    and calibrators.id <> chosen.id
    and calibrators.user_key_hmac is not distinct from chosen.user_key_hmac
    and calibrators.model = chosen.model
    and calibrators.k = chosen.k
    and calibrators.logprobs_mode is not distinct from chosen.logprobs_mode
