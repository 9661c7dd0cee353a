insert into step_logit_summaries (request_pk, generation_step, k, topk, top_p_cutoff, top_p_count)
select
    (
        select requests.id from requests
        where requests.request_id = %(request_id)s
    ),
    -- Its columns are those of the insert, in the same order.
    summary.* -- noqa: AM04
from
    unnest(
        %(generation_step)s::integer[],
        %(k)s::integer[],
        %(topk)s::bytea[],
        %(top_p_cutoff)s::double precision[],
        %(top_p_count)s::integer[]
    ) as summary
