-- List the audit entries that pass the filters, newest first.
select
    id,
    happened_at,
    actor,
    action,
    subject,
    details
from audit_log
where
    (%(actor)s::text is null or actor = %(actor)s::text)
    and (%(action)s::text is null or action = %(action)s::text)
    and (%(start)s::timestamptz is null or happened_at >= %(start)s::timestamptz)
    and (%(finish)s::timestamptz is null or happened_at < %(finish)s::timestamptz)
    and (%(before_id)s::bigint is null or id < %(before_id)s::bigint)
order by id desc
limit %(limit)s
