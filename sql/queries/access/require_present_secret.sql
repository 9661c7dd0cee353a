-- Fail if a rotation has replaced the secret of the process.
select require_present_secret(%(fingerprint)s)
