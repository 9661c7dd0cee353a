-- Delete a link and return its proof if it has not expired. Of two concurrent uses, one gets it.
delete from sign_in_links
where token_hash = any(%(token_hashes)s) and expires_at > now()
returning admin_proof
