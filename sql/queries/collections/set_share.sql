-- Publish a collection, or with nulls revoke its link.
update collections
set
    share_nonce = %(nonce)s::bytea,
    share_token_hash = %(token_hash)s::bytea
where id = %(id)s
