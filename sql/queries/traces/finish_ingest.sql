-- Insert the events of the alerts that stored requests raise, and notify the streams.
-- Returns the number of these events and of the alerts of periods that are due.
-- The last statement of an ingest: inserting the event of a window may wait for another ingest to commit.
with
raised as (
    insert into alert_events (alert_id, kind, dedup_key, request_pk, value, threshold)
    select
        alerts.id as alert_id,
        alerts.kind,
        case
            when alerts.window_s is null then 'request ' || requests.id
            else concat_ws(' ', 'window', alerts.window_s, floor(extract(epoch from now()) / alerts.window_s))
        end as dedup_key,
        requests.id as request_pk,
        case when alerts.kind = 'threshold' then scored.value end as value,
        alerts.threshold
    from alerts
    cross join lateral jsonb_populate_record(null::feed_filters, alerts.filters) as covered
    inner join requests on alerts.user_key_hmac is null or alerts.user_key_hmac = requests.user_key_hmac
    cross join lateral score_of(requests, alerts.score) as scored (value)
    where
        alerts.active
        and alerts.kind in ('threshold', 'exception')
        and requests.request_id = any(%(request_ids)s::text[])
        and case
            when alerts.kind = 'exception' then requests.has_exception
            when alerts.fires_above then scored.value > alerts.threshold
            else scored.value < alerts.threshold
        end
        and request_matches(requests, covered)
        and (
            select count(*)
            from (
                select alert_events.id from alert_events
                where alert_events.alert_id = alerts.id and alert_events.status = 'waiting'
                order by alert_events.next_attempt_at
                limit %(most_waiting)s
            ) as waiting
        ) < %(most_waiting)s
    order by alerts.id, requests.id
    on conflict on constraint alert_events_dedup_key do nothing
    returning alert_events.id
)

select
    (select count(*) from raised)
    + (
        select count(*) from alerts
        where is_due(alerts)
    ) as raised
from pg_notify('thunder_logs', '')
