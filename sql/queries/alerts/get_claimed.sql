-- Get claimed events, with what their webhooks need.
select
    alert_events.id,
    alert_events.attempts,
    alert_events.webhook_id,
    alert_events.kind,
    alert_events.created_at,
    alert_events.window_from,
    alert_events.window_to,
    alert_events.value,
    alert_events.threshold,
    requests.request_id,
    requests.model,
    alerts.id as alert_id,
    alerts.user_key_hmac as owner,
    alerts.name as alert_name,
    alerts.kind as alert_kind,
    alerts.score,
    alerts.url,
    alerts.include_prompt,
    alerts.secret_nonce,
    case when alerts.previous_until > now() then alerts.previous_nonce end as previous_nonce
from alert_events
inner join alerts on alert_events.alert_id = alerts.id
left join requests on alert_events.request_pk = requests.id
where alert_events.id = any(%(ids)s::bigint[])
