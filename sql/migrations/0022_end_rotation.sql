-- The end of a rotation deletes the last hashes under the previous secret, those of revoked and expired keys. A process
-- whose secret differs from the database's stores no links, signing secrets or hashes of keys.

create or replace function end_rotation() returns boolean language plpgsql as $$
begin
    update api_keys
    set user_key_hmac = null
    where
        api_keys.user_key_hmac in (select former_owners.user_key_hmac from former_owners)
        and not is_live(api_keys);
    delete from former_owners;
    update environment
    set previous_fingerprint = null
    where environment.previous_fingerprint is not null;
    return found;
end
$$;

comment on function end_rotation is
'Forgets the owners under the previous secret, and the hashes of their revoked and expired keys.';

create or replace function require_present_secret(fingerprint text) returns void language plpgsql as $$
declare
    known record;
begin
    select environment.* into known from environment;
    if known.previous_fingerprint = require_present_secret.fingerprint then
        raise exception 'THUNDER_SECRET: changed since this server started; try again' using errcode = 'TH002';
    end if;
    if known.secret_fingerprint <> require_present_secret.fingerprint then
        raise exception 'THUNDER_SECRET: this server does not have the secret of the database; see the warnings of /healthz'
        using errcode = 'TH002';
    end if;
end
$$;

comment on function require_present_secret is 'Raises TH002 if a process does not have the present secret of the database.';
