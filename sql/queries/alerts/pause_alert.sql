-- Pause an alert. The row stays locked until the transaction ends.
update alerts
set
    active = false,
    updated_at = now()
where id = %(id)s
