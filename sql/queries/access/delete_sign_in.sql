-- Sign a browser out.
delete from sign_ins
where token_hash = %(token_hash)s
returning token_hash
