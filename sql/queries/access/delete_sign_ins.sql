-- Sign a browser out.
delete from sign_ins
where token_hash = any(%(token_hashes)s)
returning token_hash
