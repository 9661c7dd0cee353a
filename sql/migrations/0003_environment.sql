-- Whose database this is. A process of another app neither reads nor writes here: a staging deploy with production's
-- DATABASE_URL, or a branch of production's database, must not be taken for its own.

create table environment (
    only_row boolean primary key default true,
    app_name text not null,
    stamped_at timestamptz not null default now(),
    schema_version integer not null,
    constraint environment_only_row check (only_row),
    constraint environment_app_name_length check (length(app_name) between 1 and 200)
);

comment on table environment is 'The stamp: the app that this database belongs to, in its only row.';
comment on column environment.app_name is 'THUNDER_APP_NAME of every process that may use this database.';
comment on column environment.stamped_at is 'When that app became the owner: at its first migrate, or by adopt.';
comment on column environment.schema_version is 'The version that the last migrate left.';

create function require_owner(app_name text) returns void language plpgsql as $$
declare
    owner text;
begin
    select environment.app_name into owner from environment;
    if owner is null then
        raise exception 'this database belongs to nobody yet: run `manage.py migrate`' using errcode = 'TH001';
    elsif owner is distinct from require_owner.app_name then
        raise exception using
            errcode = 'TH001',
            message = format(
                'this database belongs to %1$s; this app is %2$s; set DATABASE_URL to a database of %2$s, '
                'or take this one over with `manage.py adopt --app-name %2$s`',
                owner, require_owner.app_name
            );
    end if;
end
$$;

comment on function require_owner(text) is 'Raises TH001 with a sentence unless the stamp is this app''s.';

-- For transactions that write. Whoever changes the stamp waits until they have ended, and those that begin meanwhile
-- wait in turn and then see the new one: perform takes its snapshot after the lock. Unlike `for share` on the row it
-- writes nothing, and nobody can starve the one who waits.
create function hold_owner(app_name text) returns void language plpgsql as $$
begin
    lock table environment in share mode;
    perform require_owner(hold_owner.app_name);
end
$$;

comment on function hold_owner(text) is 'require_owner, and the stamp stays as it is until the transaction ends.';
