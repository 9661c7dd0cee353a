-- Identifies the secret that the rows of the database were written with, to notice a process that has another one.

alter table environment
add column secret_fingerprint text;

comment on column environment.secret_fingerprint is
'Part of an HMAC of a constant under the THUNDER_SECRET first used here, or accepted since. Null: none was used yet.';
