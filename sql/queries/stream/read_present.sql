-- What has been stored so far: a snapshot that ends behind the newest request. Transactions beyond it, which stored
-- nothing or were rolled back, are left out: after a crash Postgres may give their numbers to others.
with
newest as (
    select coalesce((
        select requests.stored_xid::text::bigint
        from requests
        where requests.stored_xid < pg_snapshot_xmax(pg_current_snapshot())
        order by requests.stored_xid desc
        limit 1
    ), 0) as xid
),

present as (
    select
        pg_current_snapshot() as snapshot,
        -- No transaction has a number whose lower half is 0, 1 or 2, and no snapshot may name one with a 0.
        newest.xid + case mod(newest.xid + 1, 4294967296) when 0 then 4 else 1 end as bound
    from newest
)

select
    concat(
        least(pg_snapshot_xmin(present.snapshot)::text::bigint, present.bound), ':', present.bound, ':', (
            select string_agg(running.xid::text, ',' order by running.xid)
            from pg_snapshot_xip(present.snapshot) as running (xid)
            where running.xid::text::bigint < present.bound
        )
    ) as position,
    pg_snapshot_xmax(present.snapshot)::text::bigint as horizon
from present
