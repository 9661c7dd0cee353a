-- Publish a request, or with nulls revoke its link.
update requests
set
    share_nonce = %(nonce)s::bytea,
    share_token_hash = %(token_hash)s::bytea,
    share_expires_at = %(expires_at)s::timestamptz
where id = %(id)s
