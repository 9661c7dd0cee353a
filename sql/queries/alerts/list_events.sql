-- List a page of the events of alerts, newest first.
select
    alert_events.webhook_id as id,
    alert_events.alert_id,
    alerts.name as alert_name,
    alert_events.kind,
    requests.request_id,
    case
        when alert_events.window_from is not null
            then jsonb_build_object('from', alert_events.window_from, 'to', alert_events.window_to)
    end as "window",
    alert_events.value,
    alert_events.threshold,
    alert_events.created_at,
    alert_events.status,
    alert_events.attempts,
    case when alert_events.status = 'waiting' then alert_events.next_attempt_at end as next_attempt_at,
    alert_events.finished_at,
    alert_events.error,
    alert_events.id as row_id
from alerts
cross join
    lateral (
        select
            newest.id,
            newest.alert_id,
            newest.webhook_id,
            newest.kind,
            newest.request_pk,
            newest.window_from,
            newest.window_to,
            newest.value,
            newest.threshold,
            newest.created_at,
            newest.status,
            newest.attempts,
            newest.next_attempt_at,
            newest.finished_at,
            newest.error
        from alert_events as newest
        where
            newest.alert_id = alerts.id
            and (%(before_id)s::bigint is null or newest.id < %(before_id)s::bigint)
        order by newest.id desc
        limit %(limit)s
    ) as alert_events
left join requests on alert_events.request_pk = requests.id
where
    (%(owner)s::bytea is null or alerts.user_key_hmac = %(owner)s::bytea)
    and (%(alert_id)s::bigint is null or alerts.id = %(alert_id)s::bigint)
order by alert_events.id desc
limit %(limit)s
