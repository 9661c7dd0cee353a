-- Insert a test event whose first attempt has begun, unless the alert was tested a moment ago.
insert into alert_events (alert_id, kind, threshold, attempts, next_attempt_at)
select
    alerts.id,
    'test',
    alerts.threshold,
    1,
    now() + make_interval(secs => %(lease_s)s::double precision)
from alerts
where
    alerts.id = %(id)s
    and not exists (
        select from alert_events
        where
            alert_events.alert_id = alerts.id
            and alert_events.kind = 'test'
            and alert_events.created_at > now() - make_interval(secs => %(pause_s)s::double precision)
    )
returning id
