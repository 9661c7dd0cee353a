-- An ingest skips alerts that are deleted while it raises them.

create or replace function raise_alerts(request_ids text[], most_waiting bigint) returns bigint language plpgsql
set plan_cache_mode = force_generic_plan
as $$
declare
    raised bigint;
begin
    if not exists (select from alerts where alerts.active and alerts.kind in ('threshold', 'exception')) then
        return 0;
    end if;
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
        and requests.request_id = any(request_ids)
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
                limit most_waiting
            ) as waiting
        ) < most_waiting
    -- In the same order everywhere, because inserting the event of a window may wait for another ingest to commit.
    order by alerts.id, requests.id
    -- Without the lock, an alert that is deleted in the meantime would fail the ingest.
    for key share of alerts
    on conflict on constraint alert_events_dedup_key do nothing;
    get diagnostics raised = row_count;
    return raised;
end
$$;
