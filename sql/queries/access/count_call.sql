-- Count a call of each subject that has had fewer than its maximum within the window, and return those subjects.
-- The update waits for a concurrent call of the same subject, so both are counted. Rows without calls in the window are
-- deleted after that, without waiting for other transactions.
with
forgotten as (
    delete from call_counts
    using (
        select
            expired.action,
            expired.subject
        from call_counts as expired
        where expired.expires_at < now() and expired.subject != all(%(subjects)s::bytea[])
        order by expired.expires_at
        limit 100
        for update skip locked
    ) as expired
    where call_counts.action = expired.action and call_counts.subject = expired.subject
)

insert into call_counts as counted (action, subject, most, called_at, expires_at)
select
    %(action)s::text,
    asked.subject,
    asked.most,
    array[now()],
    now() + make_interval(secs => %(window_s)s)
from unnest(%(subjects)s::bytea[], %(most)s::integer[]) with ordinality as asked (subject, most, ordinal)
order by asked.ordinal
on conflict (action, subject) do update
    set
        most = excluded.most,
        called_at = recent_calls(counted.called_at, make_interval(secs => %(window_s)s)) || excluded.called_at,
        expires_at = excluded.expires_at
    where cardinality(recent_calls(counted.called_at, make_interval(secs => %(window_s)s))) < excluded.most
returning counted.subject
