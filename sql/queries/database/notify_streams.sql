-- Notify the streams that a trace was stored.
select pg_notify('thunder_logs', '')
