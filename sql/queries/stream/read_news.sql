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
        ), 3) as xid
    from require_owner(%(app_name)s)
),

-- A snapshot that ends just after the newest request, or where `before` ends if that request was deleted. It excludes
-- later transactions, which stored nothing or rolled back, because Postgres may reuse their numbers after a crash. The
-- lower half of a transaction's number is never 0, 1 or 2, and a snapshot must not contain a number whose lower half is
-- 0. `settle_positions` gives restored requests the number 3, so no snapshot ends before it.
present as materialized (
    select
        pg_current_snapshot() as snapshot,
        greatest(
            newest.xid + case mod(newest.xid + 1, 4294967296) when 0 then 4 else 1 end,
            pg_snapshot_xmax(%(before)s::pg_snapshot)::text::bigint
        ) as bound
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

-- The transactions that were running at `before` are looked up one by one, which `lateral` with a limit enforces.
-- Otherwise a long-running one would make this statement read everything stored since it began.
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
            stored.id,
            running.xid as stored_xid,
            stored.weight
        from span
        cross join pg_snapshot_xip(span.before) as running (xid)
        cross join
            lateral (
                select
                    requests.id,
                    coalesce(octet_length(requests.final_text), 0) + pg_column_size(requests.favorited_by) as weight
                from requests
                where
                    requests.stored_xid = running.xid
                    and pg_visible_in_snapshot(running.xid, span.until)
                    and (requests.stored_xid, requests.id) > (%(after_xid)s::xid8, %(after_id)s::bigint)
                order by requests.id
                limit %(limit)s + 1
            ) as stored
        order by running.xid, stored.id
        limit %(limit)s + 1
    )
    order by stored_xid, id
    limit %(limit)s + 1
),

page as (
    select
        id,
        row_number() over (order by stored_xid, id) as ordinal,
        sum(weight) over (order by stored_xid, id) as weight,
        count(*) over () as found
    from candidates
)

select
    here.position::text as position,
    here.horizon,
    feed.id,
    (feed.request).stored_xid::text::bigint as stored_xid,
    (feed.request).user_key_hmac,
    page.found,
    feed.request_id,
    feed.created_ts,
    feed.finished_ts,
    feed.model_id,
    feed.user_api_key,
    substr(feed.final_text, 1, 2097152) as final_text,
    feed.total_steps,
    feed.favorited_by,
    feed.discussion_count,
    substr(feed.active_mod, 1, 1000) as active_mod,
    feed.tags,
    feed.sequence_confidence,
    feed.sequence_confidence_is_bound,
    feed.lowest_group_confidence,
    feed.group_confidence,
    feed.source,
    feed.group_id,
    feed.p_correct,
    feed.calibrator,
    feed.prompt,
    feed.latency_ms,
    feed.tokens,
    feed.outcome,
    feed.ending,
    feed.has_exception
from here
left join page on page.ordinal <= %(limit)s and (page.ordinal = 1 or page.weight <= %(bytes)s)
left join feed on page.id = feed.id
order by page.ordinal
