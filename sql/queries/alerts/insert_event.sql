-- Insert the event of a window, unless the alert has one for this window.
insert into alert_events (alert_id, kind, dedup_key, window_from, window_to, value, threshold)
select
    alerts.id,
    alerts.kind,
    %(dedup_key)s::text,
    %(window_from)s::timestamptz,
    %(window_to)s::timestamptz,
    %(value)s::double precision,
    %(threshold)s::double precision
from alerts
where
    alerts.id = %(alert_id)s
on conflict on constraint alert_events_dedup_key do nothing
