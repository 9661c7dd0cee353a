-- THUNDER_SECRET can be rotated: the rows of an owner move to the new secret when that user's key is next used.

alter table environment
add column previous_fingerprint text;

comment on column environment.secret_fingerprint is
'Part of an HMAC of a constant under the present THUNDER_SECRET. Null: none was used yet.';
comment on column environment.previous_fingerprint is
'The fingerprint before the rotation that is in progress. Null: none is.';

create table former_owners (
    user_key_hmac bytea primary key,
    user_key_label text,
    present_hmac bytea,
    present_label text
);

comment on table former_owners is
'While the secret is rotated: the owners under the previous secret. Empty otherwise.';
comment on column former_owners.user_key_hmac is 'The owner under the previous secret, as in requests.user_key_hmac.';
comment on column former_owners.user_key_label is 'Its label.';
comment on column former_owners.present_hmac is 'The same owner under the present secret. Null: its rows have not moved yet.';
comment on column former_owners.present_label is 'Its label under the present secret.';

create index former_owners_moved on former_owners (present_hmac)
where present_hmac is not null;

create function has_rows(owner bytea) returns boolean language plpgsql stable as $$
begin
    return
        exists (
            select from requests
            where requests.user_key_hmac = has_rows.owner
        )
        or exists (
            select from api_keys
            where api_keys.user_key_hmac = has_rows.owner
        )
        or exists (
            select from collections
            where collections.user_key_hmac = has_rows.owner
        )
        or exists (
            select from alerts
            where alerts.user_key_hmac = has_rows.owner
        )
        or exists (
            select from calibrators
            where calibrators.user_key_hmac = has_rows.owner
        );
end
$$;

comment on function has_rows is 'Whether an owner owns anything.';

create function present_owner(owner bytea) returns bytea language sql stable
return coalesce(
    (
        select former_owners.present_hmac from former_owners
        where former_owners.user_key_hmac = present_owner.owner -- noqa: RF01
    ),
    owner
);

comment on function present_owner is
'The owner, or what its rows have moved to. A process that still has the previous secret passes the former owner.';

create view owners as
select
    requests.user_key_hmac,
    requests.user_key_label
from requests
where requests.user_key_hmac is not null
union all
select
    api_keys.user_key_hmac,
    api_keys.user_key_label
from api_keys
where api_keys.user_key_hmac is not null
union all
select
    calibrators.user_key_hmac,
    calibrators.user_key_label
from calibrators
where calibrators.user_key_hmac is not null
union all
select
    collections.user_key_hmac,
    null as user_key_label
from collections
where collections.user_key_hmac is not null
union all
select
    alerts.user_key_hmac,
    null as user_key_label
from alerts
where alerts.user_key_hmac is not null;

comment on view owners is 'The owner of each row that has one.';

create function begin_rotation(former_fingerprint text, present_fingerprint text) returns bigint language plpgsql as $$
declare
    waiting bigint;
    is_reversed boolean;
    settled bytea[];
begin
    select environment.previous_fingerprint is not distinct from present_fingerprint
    into is_reversed
    from environment
    for update;
    update environment
    set secret_fingerprint = present_fingerprint, previous_fingerprint = former_fingerprint
    where environment.secret_fingerprint = former_fingerprint;
    if not found then
        return null;
    end if;
    -- If the previous rotation is reversed, the owners that wait for it already have the present secret.
    settled = array(
        select former_owners.user_key_hmac from former_owners
        where is_reversed and former_owners.present_hmac is null
    );
    delete from former_owners;
    insert into former_owners (user_key_hmac, user_key_label)
    select
        owners.user_key_hmac,
        min(owners.user_key_label) as user_key_label
    from owners
    where owners.user_key_hmac <> all(settled)
    group by owners.user_key_hmac;
    get diagnostics waiting = row_count;
    return waiting;
end
$$;

comment on function begin_rotation is
'Changes the secret of the database from the former to the present one, and notes the former owners. Returns their number, or null if it had another secret.';

create function end_rotation() returns boolean language plpgsql as $$
begin
    delete from former_owners;
    update environment
    set previous_fingerprint = null
    where environment.previous_fingerprint is not null;
    return found;
end
$$;

comment on function end_rotation is 'Forgets the owners under the previous secret.';

create function replace_label(texts text[], former text, present text) returns text[] language sql immutable
return array(
    select replace(listed.text, former, present) as shown
    from unnest(texts) with ordinality as listed (text, place)
    group by shown
    order by min(listed.place)
);

comment on function replace_label is 'The texts with a new label in place of a former one, each once.';

create function move_owner(
    former bytea, former_label text, present bytea, present_label text
) returns void language plpgsql as $$
declare
    had_calibrators boolean;
begin
    perform pg_advisory_xact_lock(hashtextextended('thunder owner ' || encode(former, 'hex'), 0));
    if not has_rows(former) then
        return;  -- another process has moved them
    end if;
    insert into former_owners (user_key_hmac, user_key_label, present_hmac, present_label)
    values (former, former_label, present, present_label)
    on conflict (user_key_hmac) do update
        set
            user_key_label = excluded.user_key_label,
            present_hmac = excluded.present_hmac,
            present_label = excluded.present_label;

    -- In the order in which deletions lock them.
    perform requests.id from requests
    where requests.user_key_hmac = former
    order by requests.id
    for no key update;
    update requests
    set user_key_hmac = present, user_key_label = present_label, curation = requests.curation + 1
    where requests.user_key_hmac = former;
    update api_keys
    set user_key_hmac = present, user_key_label = present_label
    where api_keys.user_key_hmac = former;
    update sign_ins
    set user_key_hmac = present
    where sign_ins.user_key_hmac = former;
    update alerts
    set user_key_hmac = present
    where alerts.user_key_hmac = former;
    -- The owner may already have collections and calibrators under the present secret, with the same names and versions.
    update collections
    set
        user_key_hmac = present,
        name = case
            when exists (
                select from collections as others
                where others.user_key_hmac = present and others.name = collections.name
            ) then left(collections.name, 170) || ' (' || collections.id || ')'
            else collections.name
        end
    where collections.user_key_hmac = former;
    had_calibrators = exists (
        select from calibrators
        where calibrators.user_key_hmac = present
    );
    update calibrators
    set
        user_key_hmac = present,
        user_key_label = present_label,
        version = calibrators.version + earlier.versions,
        is_active = calibrators.is_active and not earlier.is_active
    from calibrators as moved
    cross join lateral (
        select
            coalesce(max(others.version), 0) as versions,
            coalesce(bool_or(others.is_active), false) as is_active
        from calibrators as others
        where
            others.user_key_hmac = present
            and others.model = moved.model
            and others.k = moved.k
            and others.logprobs_mode is not distinct from moved.logprobs_mode
    ) as earlier
    where calibrators.id = moved.id and moved.user_key_hmac = former;
    if had_calibrators then
        update requests
        set calibrator_version = calibrators.version
        from calibrators
        where
            requests.user_key_hmac = present
            and requests.calibrator_id = calibrators.id
            and requests.calibrator_version <> calibrators.version;
    end if;

    -- People wrote the label elsewhere, too: as the author of a comment, for example.
    update requests
    set favorited_by = replace_label(requests.favorited_by, former_label, present_label)
    where requests.favorited_by <> '{}' and strpos(array_to_string(requests.favorited_by, ' '), former_label) > 0;
    update requests
    set tags = replace_label(requests.tags, former_label, present_label)
    where requests.tags <> '{}' and strpos(array_to_string(requests.tags, ' '), former_label) > 0;
    update discussions
    set
        username = replace(discussions.username, former_label, present_label),
        comment = replace(discussions.comment, former_label, present_label)
    where strpos(concat_ws(' ', discussions.username, discussions.comment), former_label) > 0;
    update collections
    set
        created_by = replace(collections.created_by, former_label, present_label),
        description = replace(collections.description, former_label, present_label)
    where strpos(concat_ws(' ', collections.created_by, collections.description), former_label) > 0;
    update collections
    set name = replace(collections.name, former_label, present_label)
    where
        strpos(collections.name, former_label) > 0
        and not exists (
            select from collections as others
            where
                others.user_key_hmac is not distinct from collections.user_key_hmac
                and others.name = replace(collections.name, former_label, present_label)
        );
    update collection_members
    set
        added_by = replace(collection_members.added_by, former_label, present_label),
        notes = replace(collection_members.notes, former_label, present_label)
    where strpos(concat_ws(' ', collection_members.added_by, collection_members.notes), former_label) > 0;
    update outcomes
    set note = replace(outcomes.note, former_label, present_label)
    where strpos(outcomes.note, former_label) > 0;
    update alerts
    set name = replace(alerts.name, former_label, present_label)
    where strpos(alerts.name, former_label) > 0;
    update alerts
    set filters = jsonb_set(
        alerts.filters, '{tag}', to_jsonb(replace(alerts.filters ->> 'tag', former_label, present_label))
    )
    where strpos(alerts.filters ->> 'tag', former_label) > 0;
    perform pg_notify('thunder_logs', '');
end
$$;

comment on function move_owner is
'Moves all rows of an owner under the previous secret to the same owner under the present one, and replaces the label.';

create function assign_owner() returns trigger language plpgsql as $$
declare
    moved record;
begin
    select
        former_owners.present_hmac,
        former_owners.present_label
    into moved
    from former_owners
    where former_owners.user_key_hmac = new.user_key_hmac and former_owners.present_hmac is not null;
    if found then
        new.user_key_hmac = moved.present_hmac;
        new.user_key_label = moved.present_label;
    end if;
    return new;
end
$$;

comment on function assign_owner is
'Stores a request for the owner under the present secret if its rows have moved, although the process has the previous secret.';

create trigger requests_assign_owner before insert on requests
for each row when (new.user_key_hmac is not null) execute function assign_owner();

create function require_present_secret(fingerprint text) returns void language plpgsql as $$
begin
    if exists (
        select from environment
        where environment.previous_fingerprint = require_present_secret.fingerprint
    ) then
        raise exception 'THUNDER_SECRET: changed since this server started; try again' using errcode = 'TH002';
    end if;
end
$$;

comment on function require_present_secret is 'Raises TH002 if the secret of a process is the one before the rotation in progress.';

-- During a rotation, the HMAC of a text is followed by the one under the previous secret.
create or replace function mask_key(said storable_text) returns text language sql stable
return coalesce(
    (
        select api_keys.name from api_keys
        where api_keys.key_hash = said.key_hash -- noqa: RF01
    ),
    case
        when exists (
            select from requests
            where requests.user_key_hmac in (
                substr(said.user_key_hmac, 1, 32), -- noqa: RF01
                substr(said.user_key_hmac, 33) -- noqa: RF01
            )
        )
        or exists (
            select from api_keys
            where api_keys.user_key_hmac in (
                substr(said.user_key_hmac, 1, 32), -- noqa: RF01
                substr(said.user_key_hmac, 33) -- noqa: RF01
            )
        ) then said.label
        else said.text
    end
);

comment on function mask_key is
'The text to store: for a key, the name of the issued key, live or not, or the label of the user API key.';
