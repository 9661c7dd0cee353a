-- Raise the alerts of stored requests, and notify the streams. The last statement of an ingest.
-- Returns the number of events and of the alerts of periods that are due.
select
    raise_alerts(%(request_ids)s::text[], %(most_waiting)s::bigint)
    + (
        select count(*) from alerts
        where is_due(alerts)
    ) as raised
from pg_notify('thunder_logs', '')
