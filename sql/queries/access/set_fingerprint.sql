-- Replace the fingerprint of the secret.
update environment
set secret_fingerprint = %(fingerprint)s
