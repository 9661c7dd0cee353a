-- Count bootstrap attempts per address, so that an attacker's guesses do not lock the operator out.

alter table bootstrap_attempts add column address text not null default '';

comment on table bootstrap_attempts is
'Failed attempts at POST /auth/bootstrap within a minute, counted across all containers.';
comment on column bootstrap_attempts.address is 'Address of the client. For IPv6, its 64-bit network.';

create index bootstrap_attempts_of_address on bootstrap_attempts (address, attempted_at);

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

-- A hash chain of receipts. Each has a hash over itself and the previous one, which reveals a missing or changed one.

create table deletion_chain (
    only_row boolean primary key default true,
    place bigint not null,
    chain bytea not null,
    constraint deletion_chain_only_row check (only_row)
);

comment on table deletion_chain is 'The end of the chain of receipts. Has one row, so a missing last receipt is detected too.';
comment on column deletion_chain.place is 'Number of receipts.';
comment on column deletion_chain.chain is 'Hash of the last receipt.';

insert into deletion_chain (place, chain) values (0, '');

comment on column deletions.place is 'Position in the chain, from 1, without gaps.';
comment on column deletions.chain is 'SHA-256 over the previous receipt''s hash and this receipt (receipt_hash).';

create function receipt_hash(receipt deletions, previous bytea) returns bytea language sql stable
return sha256(previous || convert_to(concat_ws(
    '|',
    receipt.place,
    encode(receipt.request_sha256, 'hex'),
    extract(epoch from receipt.deleted_at),
    receipt.deleted_by,
    receipt.reason,
    receipt.document_bytes,
    receipt.steps,
    receipt.summaries,
    receipt.mod_calls,
    receipt.mod_logs,
    receipt.actions,
    receipt.discussions,
    receipt.outcomes,
    receipt.memberships
), 'UTF8'));

comment on function receipt_hash is 'The hash of a receipt that follows the receipt with the previous hash.';

create function link_receipt() returns trigger language plpgsql as $$
declare
    head record;
begin
    select * into strict head from deletion_chain for update;
    new.place = head.place + 1;
    new.chain = receipt_hash(new, head.chain);
    update deletion_chain set place = new.place, chain = new.chain;
    return new;
end
$$;

comment on function link_receipt is 'Appends a receipt to the chain. Serializes the transactions that delete.';

create trigger deletions_link before insert on deletions
for each row execute function link_receipt();

create trigger deletions_are_append_only before update or delete or truncate on deletions
for each statement execute function refuse_change();

-- Legal holds protect requests from deletion. There is no cascade, so a deletion that ignores a hold fails.

create table legal_holds (
    request_pk bigint primary key references requests (id),
    reason text not null,
    held_by text not null,
    held_at timestamptz not null default now(),
    constraint legal_holds_reason_length check (length(reason) between 1 and 1000)
);

comment on table legal_holds is 'Requests that must not be deleted or replaced.';
comment on column legal_holds.held_by is 'Actor that set the hold, as in audit_log.actor.';

create function is_on_hold(request requests) returns boolean language sql stable
return request.id in (
    select legal_holds.request_pk from legal_holds
);

comment on function is_on_hold is 'Whether a request is on legal hold.';

-- The search of `manage.py verify-deletion` through every column that can contain a text or a key's HMAC.

create function find_texts(pattern text, hashes bytea[]) returns table (place text, hits bigint)
language plpgsql stable as $$
declare
    found record;
    condition text;
begin
    for found in
        select columns.table_name, columns.column_name, columns.udt_name::text as kind
        from information_schema.columns
        inner join information_schema.tables using (table_schema, table_name)
        where columns.table_schema = 'public' and tables.table_type = 'BASE TABLE'
        order by columns.table_name, columns.ordinal_position
    loop
        condition = case found.kind
            when 'bytea' then '%1$I = any($2)'
            when '_text' then 'array_to_string(%1$I, e''\n'') ~ $1'
            when 'text' then '%1$I ~ $1'
            when 'jsonb' then '%1$I::text ~ $1'
            when 'tsvector' then '%1$I::text ~* $1'
        end;
        continue when condition is null;
        place = found.table_name || '.' || found.column_name;
        execute format('select count(*) from %I where ' || format(condition, found.column_name), found.table_name)
        into hits using pattern, hashes;
        if hits > 0 then
            return next;
        end if;
    end loop;
end
$$;

comment on function find_texts is 'Columns that match a pattern or contain a hash, with the number of rows.';
