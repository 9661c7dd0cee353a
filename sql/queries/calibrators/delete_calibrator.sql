-- Delete a calibrator of the caller. A null owner may delete every calibrator.
delete from calibrators
where id = %(id)s and (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
returning version
