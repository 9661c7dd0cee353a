-- Activate or deactivate a calibrator of the caller. A null owner may change every calibrator.
update calibrators
set is_active = %(active)s
where id = %(id)s and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
