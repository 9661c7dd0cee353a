-- Raise the alerts of stored requests, and notify the streams. The last statement of an ingest.
-- Returns the number of events and of the alerts of periods that are due.
-- Notes an owner that a process stores under the previous secret, although a rotation has begun.
with
noted as (
    insert into former_owners (user_key_hmac, user_key_label)
    select
        %(owner)s::bytea as user_key_hmac,
        %(owner_label)s::text as user_key_label
    from environment
    where environment.previous_fingerprint = %(secret)s and %(owner)s::bytea is not null
    on conflict (user_key_hmac) do nothing
)

select
    raise_alerts(%(request_ids)s::text[], %(most_waiting)s::bigint)
    + (
        select count(*) from alerts
        where is_due(alerts)
    ) as raised
from pg_notify('thunder_logs', '')
