-- Deletion receipts: who deleted how much, without the deleted content.

create table deletions (
    id bigint generated always as identity primary key,
    request_sha256 bytea not null,
    deleted_at timestamptz not null default now(),
    deleted_by text not null,
    reason text not null,
    document_bytes bigint not null,
    steps bigint not null,
    summaries bigint not null,
    mod_calls bigint not null,
    mod_logs bigint not null,
    actions bigint not null,
    discussions bigint not null,
    outcomes bigint not null,
    memberships bigint not null,
    ordinal bigint not null,
    chain bytea not null,
    constraint deletions_ordinal_key unique (ordinal),
    constraint deletions_reason check (reason in ('request', 'user', 'age'))
);

comment on table deletions is 'One receipt per deleted request. Nothing else of the request remains.';
comment on column deletions.request_sha256 is 'SHA-256 of the request''s id, to find the receipt of a known id.';
comment on column deletions.deleted_by is 'user, admin, key:<id>, command or retention.';
comment on column deletions.reason is 'request: deleted by id. user: deleted with all of the user''s requests. age: expired by retention.';
comment on column deletions.document_bytes is 'Size of the posted document.';
comment on column deletions.ordinal is 'Position in the chain, from 1, without gaps.';
comment on column deletions.chain is 'SHA-256 over the previous receipt''s hash and this receipt (receipt_hash).';

create index deletions_of_request on deletions (request_sha256);

-- A hash chain of receipts. Each has a hash over itself and the previous one, which reveals a missing or changed one.

create table deletion_chain (
    only_row boolean primary key default true,
    receipts bigint not null,
    chain bytea not null,
    constraint deletion_chain_only_row check (only_row)
);

comment on table deletion_chain is 'The end of the chain of receipts. Has one row, so a missing last receipt is detected too.';
comment on column deletion_chain.receipts is 'Number of receipts.';
comment on column deletion_chain.chain is 'Hash of the last receipt.';

insert into deletion_chain (receipts, chain) values (0, '');

create function receipt_hash(receipt deletions, previous bytea) returns bytea language sql stable
return sha256(previous || convert_to(concat_ws(
    '|',
    receipt.ordinal,
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
    select receipts, deletion_chain.chain into strict head from deletion_chain for update;
    new.ordinal = head.receipts + 1;
    new.chain = receipt_hash(new, head.chain);
    update deletion_chain set receipts = new.ordinal, chain = new.chain;
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

create function find_texts(pattern text, hashes bytea[]) returns table (path text, hits bigint)
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
        path = found.table_name || '.' || found.column_name;
        execute format('select count(*) from %I where ' || format(condition, found.column_name), found.table_name)
        into hits using pattern, hashes;
        if hits > 0 then
            return next;
        end if;
    end loop;
end
$$;

comment on function find_texts is 'The columns (table.column) that match a pattern or contain a hash, with the number of rows.';
