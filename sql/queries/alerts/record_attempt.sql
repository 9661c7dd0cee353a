-- Record the result of an attempt, unless its lease has ended and another attempt began.
update alert_events
set
    status = %(status)s::text,
    error = %(error)s::text,
    next_attempt_at = now() + make_interval(secs => %(delay_s)s::double precision),
    finished_at = case when %(status)s::text <> 'waiting' then now() end
where id = %(id)s and attempts = %(attempts)s and status = 'waiting'
