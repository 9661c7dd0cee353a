-- Claim waiting events that are due: the oldest of each alert, and few of each owner.
-- The lease keeps them from other processes. After the lease, an event whose process was killed waits again.
with
ranked as (
    select
        due.id,
        due.next_attempt_at,
        row_number() over (partition by alerts.user_key_hmac order by due.next_attempt_at, due.id) as place
    from alerts
    cross join
        lateral (
            select
                alert_events.id,
                alert_events.next_attempt_at
            from alert_events
            where
                alert_events.alert_id = alerts.id
                and alert_events.status = 'waiting'
                and alert_events.next_attempt_at <= now()
            order by alert_events.next_attempt_at, alert_events.id
            limit %(per_alert)s
        ) as due
    where
        alerts.id <> all(%(busy_alerts)s::bigint[])
        and coalesce(alerts.user_key_hmac, '') <> all(%(busy_owners)s::bytea[])
),

picked as (
    select alert_events.id
    from alert_events
    where
        alert_events.id in (
            select ranked.id from ranked
            where ranked.place <= %(per_owner)s
            order by ranked.next_attempt_at
            limit %(limit)s
        )
        -- Checked again under the lock, because another process may have claimed it.
        and alert_events.status = 'waiting'
        and alert_events.next_attempt_at <= now()
    for update skip locked
)

update alert_events
set
    attempts = attempts + 1,
    next_attempt_at = now() + make_interval(secs => %(lease_s)s::double precision)
from picked
where alert_events.id = picked.id
returning alert_events.id
