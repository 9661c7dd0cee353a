-- Let the waiting events of an alert fail, because it was paused.
update alert_events
set
    status = 'failed',
    error = 'the alert was paused',
    finished_at = now()
where
    alert_id = %(alert_id)s
    and status = 'waiting'
