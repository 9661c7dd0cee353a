-- Create a link that signs one browser in, and delete expired ones.
with
expired as (
    delete from sign_in_links
    where expires_at <= now()
)

insert into sign_in_links (token_hash, admin_proof, expires_at)
values (%(token_hash)s, %(admin_proof)s, now() + make_interval(secs => %(lifetime_s)s))
