-- List the requests stored since a position, in the order of (stored_xid, id), with the present snapshot.
-- Without such requests there is one row, with nulls. A page is bounded in rows and in bytes.
-- `first_xid` is the end of the position's snapshot, or null to read no requests, and `running` lists the transactions
-- that were running in it. `until` is a snapshot, or null for the present.
with
-- The transactions that were running are looked up one by one. Otherwise a long-running one would make this statement
-- read everything stored since it began.
candidates as (
    (
        select
            requests.id,
            requests.stored_xid,
            coalesce(octet_length(requests.final_text), 0) + pg_column_size(requests.favorited_by) as weight
        from requests
        where
            requests.stored_xid >= %(first_xid)s::xid8
            and requests.stored_xid < coalesce(
                pg_snapshot_xmax(%(until)s::pg_snapshot), pg_snapshot_xmax(pg_current_snapshot())
            )
            and (%(until)s::pg_snapshot is null or pg_visible_in_snapshot(requests.stored_xid, %(until)s::pg_snapshot))
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
        from requests
        where
            requests.stored_xid = any(%(running)s::xid8[])
            and (%(until)s::pg_snapshot is null or pg_visible_in_snapshot(requests.stored_xid, %(until)s::pg_snapshot))
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
        row_number() over stored as ordinal,
        sum(weight) over stored as weight,
        lead(id) over stored as next_id
    from candidates
    window stored as (order by stored_xid, id)
)

select
    pg_current_snapshot()::text as snapshot,
    (
        select requests.stored_xid::text::bigint
        from requests
        where requests.stored_xid < pg_snapshot_xmax(pg_current_snapshot())
        order by requests.stored_xid desc
        limit 1
    ) as newest_xid,
    feed.id,
    (feed.request).stored_xid::text::bigint as stored_xid,
    (feed.request).user_key_hmac,
    page.next_id,
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
from require_stamp(%(app_name)s)
left join page on page.ordinal <= %(limit)s and (page.ordinal = 1 or page.weight <= %(bytes)s)
left join feed on page.id = feed.id
order by page.ordinal
