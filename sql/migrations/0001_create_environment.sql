-- The owner app of the database. A process of another app may not read or write here. This protects against a staging
-- deployment with production's DATABASE_URL, and against using a branch of production's database by mistake.

create table environment (
    only_row boolean primary key default true,
    app_name text not null,
    stamped_at timestamptz not null default now(),
    schema_version integer not null,
    constraint environment_only_row check (only_row),
    constraint environment_app_name_length check (length(app_name) between 1 and 200)
);

comment on table environment is 'The stamp: the app that this database belongs to. Has one row.';
comment on column environment.app_name is 'THUNDER_APP_NAME of every process that may use this database.';
comment on column environment.stamped_at is 'When the app became the owner, by migrate or adopt.';
comment on column environment.schema_version is 'Schema version after the last migrate.';

create function require_owner(app_name text) returns void language plpgsql as $$
declare
    owner text;
begin
    select environment.app_name into owner from environment;
    if owner is null then
        raise exception 'this database has no owner yet; run `manage.py migrate`' using errcode = 'TH001';
    elsif owner is distinct from require_owner.app_name then
        raise exception using
            errcode = 'TH001',
            message = format(
                'this database belongs to %1$s; this app is %2$s; set DATABASE_URL to a database of %2$s, '
                'or take over this one with `manage.py adopt --app-name %2$s`',
                owner, require_owner.app_name
            );
    end if;
end
$$;

comment on function require_owner(text) is 'Raises TH001 unless the database belongs to the app.';

-- Transactions that write call this. A transaction that changes the stamp waits until they end. Writers that start in
-- the meantime wait for it and then see the new stamp, because perform takes its snapshot after the lock. Unlike
-- `for share` on the row, a table lock writes nothing, and new writers cannot starve the transaction that waits.
create function hold_owner(app_name text) returns void language plpgsql as $$
begin
    lock table environment in share mode;
    perform require_owner(hold_owner.app_name);
end
$$;

comment on function hold_owner(text) is 'Like require_owner, and keeps the stamp unchanged until the transaction ends.';
