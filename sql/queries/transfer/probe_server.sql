-- Return the server's version and clock.
select
    current_setting('server_version_num')::integer as version,
    clock_timestamp() as read_at
