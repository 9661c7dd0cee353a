-- Tries of bootstrapping are counted by address: strangers who guess do not lock the operator out.

alter table bootstrap_attempts add column address text not null default '';

comment on table bootstrap_attempts is
'Wrong tries of POST /auth/bootstrap within a minute, so that containers count them together.';
comment on column bootstrap_attempts.address is 'Where the try came from; of IPv6, the network of 64 bits.';

create index bootstrap_attempts_of_address on bootstrap_attempts (address, attempted_at);

-- Who changed what others rely on. Nothing in the program changes or deletes an entry, and nothing can by mistake.

create table audit_log (
    id bigint generated always as identity primary key,
    happened_at timestamptz not null default now(),
    actor text not null,
    action text not null,
    subject text not null,
    details jsonb not null default '{}'
);

comment on table audit_log is 'Who changed keys, published, deleted, adopted or cleared. Append-only: a trigger refuses the rest.';
comment on column audit_log.actor is 'admin, key:<id>, user:<12 digits of the HMAC of the user''s key>, command, retention or bootstrap.';
comment on column audit_log.action is 'What was done: key.create, request.delete and so on.';
comment on column audit_log.subject is 'key:<id>, request:<SHA-256 of its id>, collection:<id>, requests or database.';
comment on column audit_log.details is 'What else there is to say: names of changed fields, scopes, counts. Never a secret, nor a text of a user''s.';

create index audit_log_of_actor on audit_log (actor, id);
create index audit_log_of_action on audit_log (action, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: its rows are neither changed nor deleted', tg_table_name;
end
$$;

comment on function refuse_change is 'Keeps a table append-only.';

create trigger audit_log_is_append_only before update or delete or truncate on audit_log
for each statement execute function refuse_change();

create function audit_adoption() returns trigger language plpgsql as $$
begin
    insert into audit_log (actor, action, subject, details)
    values (
        'command', 'database.adopt', 'database',
        jsonb_build_object('former_owner', old.app_name, 'owner', new.app_name)
    );
    return new;
end
$$;

comment on function audit_adoption is 'Notes that the database became another app''s, however that was done.';

create trigger environment_audit_adoption after update of app_name on environment
for each row when (old.app_name is distinct from new.app_name) execute function audit_adoption();
