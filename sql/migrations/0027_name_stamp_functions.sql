-- Owners are users. A database has a stamp: the name of the app that it belongs to.

create function require_stamp(app_name text) returns void language plpgsql as $$
declare
    stamped text;
begin
    select environment.app_name into stamped from environment;
    if stamped is null then
        raise exception 'database: has no stamp yet; run `manage.py migrate`' using errcode = 'TH001';
    elsif stamped is distinct from require_stamp.app_name then
        raise exception using
            errcode = 'TH001',
            message = format(
                'database: belongs to %1$s; this app is %2$s; set DATABASE_URL to a database of %2$s, '
                'or take over this one with `manage.py adopt --app-name %2$s`',
                stamped, require_stamp.app_name
            );
    end if;
end
$$;

comment on function require_stamp(text) is 'Raises TH001 unless the database belongs to the app.';

-- Transactions that write call this. A transaction that changes the stamp waits until they end. Writers that start in
-- the meantime wait for it and then see the new stamp, because perform takes its snapshot after the lock. Unlike
-- `for share` on the row, a table lock writes nothing, and new writers cannot starve the transaction that waits.
create function hold_stamp(app_name text) returns void language plpgsql as $$
begin
    lock table environment in share mode;
    perform require_stamp(hold_stamp.app_name);
end
$$;

comment on function hold_stamp(text) is 'Like require_stamp, and keeps the stamp unchanged until the transaction ends.';

-- Processes of the previous release still call require_owner and hold_owner.
comment on function require_owner(text) is 'Replaced by require_stamp.';
comment on function hold_owner(text) is 'Replaced by hold_stamp.';
comment on column environment.stamped_at is 'When the database was stamped with app_name, by migrate or adopt.';
