-- The audit log. No code changes or deletes an entry, and a trigger prevents it.

create table audit_log (
    id bigint generated always as identity primary key,
    happened_at timestamptz not null default now(),
    actor text not null,
    action text not null,
    subject text not null,
    details jsonb not null default '{}'
);

comment on table audit_log is 'Changes of keys and links, deletions, adoptions and clearings. A trigger keeps the table append-only.';
comment on column audit_log.actor is 'admin, key:<id>, user:<12 digits of the HMAC of the user API key>, command, retention or bootstrap.';
comment on column audit_log.action is 'The action: key.create, request.delete and so on.';
comment on column audit_log.subject is 'key:<id>, request:<SHA-256 of its id>, collection:<id>, requests or database.';
comment on column audit_log.details is 'Details: names of changed fields, scopes, counts. Never a secret or a user''s text.';

create index audit_log_of_actor on audit_log (actor, id);
create index audit_log_of_action on audit_log (action, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only; rows cannot be changed or deleted', tg_table_name;
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

comment on function audit_adoption is 'Records a change of the database''s owner app in the audit log.';

create trigger environment_audit_adoption after update of app_name on environment
for each row when (old.app_name is distinct from new.app_name) execute function audit_adoption();
