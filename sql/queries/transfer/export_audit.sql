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
    happened_at >= coalesce((%(filters)s::feed_filters).created_from, '-infinity')
    and happened_at < coalesce((%(filters)s::feed_filters).created_to, 'infinity')
order by id
