-- List the requests stored since a position, in the order of (stored_xid, id), with the present position.
-- `until` is a snapshot, or null for the present. Without such requests there is one row, with nulls.
-- A page is bounded in rows and in bytes.
with
newest as materialized (
    select
        coalesce((
            select requests.stored_xid::text::bigint
            from requests
            where requests.stored_xid < pg_snapshot_xmax(pg_current_snapshot())
            order by requests.stored_xid desc
            limit 1
        ), 0) as xid
    from require_owner(%(app_name)s)
),

-- A snapshot that ends just after the newest request. It excludes later transactions, which stored nothing or rolled
-- back, because Postgres may reuse their numbers after a crash. The lower half of a transaction's number is never 0, 1
-- or 2, and a snapshot must not contain a number whose lower half is 0.
present as materialized (
    select
        pg_current_snapshot() as snapshot,
        newest.xid + case mod(newest.xid + 1, 4294967296) when 0 then 4 else 1 end as bound
    from newest
),

here as materialized (
    select
        pg_snapshot_xmax(present.snapshot)::text::bigint as horizon,
        concat(
            least(pg_snapshot_xmin(present.snapshot)::text::bigint, present.bound), ':', present.bound, ':', (
                select string_agg(running.xid::text, ',' order by running.xid)
                from pg_snapshot_xip(present.snapshot) as running (xid)
                where running.xid::text::bigint < present.bound
            )
        )::pg_snapshot as position
    from present
),

span as materialized (
    select
        %(before)s::pg_snapshot as before,
        coalesce(%(until)s::pg_snapshot, here.position) as until
    from here
),

-- The transactions that were running at `before` are looked up individually. Otherwise a long-running one would make
-- this statement read everything stored since it began.
candidates as (
    (
        select
            requests.id,
            requests.stored_xid,
            coalesce(octet_length(requests.final_text), 0) + pg_column_size(requests.favorited_by) as weight
        from requests
        where
            requests.stored_xid >= (select pg_snapshot_xmax(span.before) from span)
            and requests.stored_xid < (select pg_snapshot_xmax(span.until) from span)
            and pg_visible_in_snapshot(requests.stored_xid, (select span.until from span))
            and (requests.stored_xid, requests.id) > (%(after_xid)s::xid8, %(after_id)s::bigint)
        order by requests.stored_xid, requests.id
        limit %(limit)s + 1
    )
    union all
    (
        select
            requests.id,
            requests.stored_xid,
            coalesce(octet_length(requests.final_text), 0) + pg_column_size(requests.favorited_by) as weight
        from span
        cross join pg_snapshot_xip(span.before) as running (xid)
        inner join requests on running.xid = requests.stored_xid
        where
            pg_visible_in_snapshot(requests.stored_xid, span.until)
            and (requests.stored_xid, requests.id) > (%(after_xid)s::xid8, %(after_id)s::bigint)
        order by requests.stored_xid, requests.id
        limit %(limit)s + 1
    )
    order by stored_xid, id
    limit %(limit)s + 1
),

page as (
    select
        id,
        row_number() over (order by stored_xid, id) as place,
        sum(weight) over (order by stored_xid, id) as weight,
        count(*) over () as found
    from candidates
)

select
    here.position::text as position,
    here.horizon,
    requests.id,
    requests.stored_xid::text::bigint as stored_xid,
    requests.user_key_hmac,
    page.found,
    requests.request_id,
    requests.created_at as created_ts,
    requests.completed_at as finished_ts,
    requests.model as model_id,
    requests.user_key_label as user_api_key,
    substr(requests.final_text, 1, 2097152) as final_text,
    requests.total_steps,
    requests.favorited_by,
    requests.discussion_count,
    substr(requests.active_mod, 1, 1000) as active_mod,
    requests.tags,
    requests.sequence_confidence,
    requests.sequence_confidence_is_bound,
    requests.lowest_group_confidence,
    requests.group_confidence,
    requests.source,
    requests.group_id
from here
left join page on page.place <= %(limit)s and (page.place = 1 or page.weight <= %(bytes)s)
left join requests on page.id = requests.id
order by requests.stored_xid, requests.id
