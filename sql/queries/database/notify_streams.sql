select pg_notify('thunder_logs', '')
