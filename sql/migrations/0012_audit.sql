-- Tries of bootstrapping are counted by address: strangers who guess do not lock the operator out.

alter table bootstrap_attempts add column address text not null default '';

comment on table bootstrap_attempts is
'Wrong tries of POST /auth/bootstrap within a minute, so that containers count them together.';
comment on column bootstrap_attempts.address is 'Where the try came from; of IPv6, the network of 64 bits.';

create index bootstrap_attempts_of_address on bootstrap_attempts (address, attempted_at);
