-- Export the audit entries of a period, oldest first.
select
    id,
    happened_at,
    actor,
    action,
    subject,
    details
from audit_log
where
    (%(created_from)s::timestamptz is null or happened_at >= %(created_from)s::timestamptz)
    and (%(created_to)s::timestamptz is null or happened_at < %(created_to)s::timestamptz)
order by id
