-- Record the fingerprint of the first secret used on the database. A recorded one stays.
update environment
set secret_fingerprint = %(fingerprint)s
where secret_fingerprint is null
