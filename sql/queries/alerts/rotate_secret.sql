-- Replace the secret of an alert. Webhooks are signed with both for some time.
update alerts
set
    previous_nonce = secret_nonce,
    previous_until = now() + make_interval(secs => %(overlap_s)s::double precision),
    secret_nonce = %(secret_nonce)s::bytea
where id = %(id)s
