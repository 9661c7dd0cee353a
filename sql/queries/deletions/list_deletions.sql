-- List deletion receipts, newest first.
select
    request_sha256,
    deleted_at,
    deleted_by,
    reason,
    document_bytes,
    steps,
    summaries,
    mod_calls,
    mod_logs,
    actions,
    discussions,
    outcomes,
    memberships,
    ordinal,
    chain
from deletions
where (%(request_sha256)s::bytea is null or request_sha256 = %(request_sha256)s::bytea)
order by id desc
limit %(limit)s offset %(offset)s
