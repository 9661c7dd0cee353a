-- What `until` sees and `before` does not, in the order of (stored_xid, id), behind a place in that order. A page is
-- bounded in rows and in bytes. The transactions that ran at `before` are looked up one by one: an old one among them
-- must not make this read all that was stored since it began.
with
unseen as (
    (
        select
            requests.id,
            requests.stored_xid,
            coalesce(octet_length(requests.final_text), 0) + pg_column_size(requests.favorited_by) as weight
        from requests
        where
            requests.stored_xid >= pg_snapshot_xmax(%(before)s::pg_snapshot)
            and requests.stored_xid < pg_snapshot_xmax(%(until)s::pg_snapshot)
            and pg_visible_in_snapshot(requests.stored_xid, %(until)s::pg_snapshot)
            and (requests.stored_xid, requests.id) > (%(after_xid)s::xid8, %(after_id)s)
        order by requests.stored_xid, requests.id
        limit %(limit)s + 1
    )
    union all
    (
        select
            requests.id,
            requests.stored_xid,
            coalesce(octet_length(requests.final_text), 0) + pg_column_size(requests.favorited_by) as weight
        from pg_snapshot_xip(%(before)s::pg_snapshot) as running (xid)
        inner join requests on running.xid = requests.stored_xid
        where
            pg_visible_in_snapshot(requests.stored_xid, %(until)s::pg_snapshot)
            and (requests.stored_xid, requests.id) > (%(after_xid)s::xid8, %(after_id)s)
        order by requests.stored_xid, requests.id
        limit %(limit)s + 1
    )
),

candidates as (
    select *
    from unseen
    order by stored_xid, id
    limit %(limit)s + 1
),

page as (
    select
        id,
        stored_xid,
        row_number() over (order by stored_xid, id) as place,
        sum(weight) over (order by stored_xid, id) as weight,
        count(*) over () as found
    from candidates
)

select
    requests.id,
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
    requests.user_key_hmac,
    requests.stored_xid::text::bigint as stored_xid,
    page.found
from page
inner join requests on page.id = requests.id
where page.place <= %(limit)s and (page.place = 1 or page.weight <= %(bytes)s)
order by requests.stored_xid, requests.id
