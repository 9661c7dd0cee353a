-- List the newest requests with the same prompt as a request, among the newest `candidates` of all owners.
select
    requests.request_id,
    requests.created_at as created_ts,
    requests.model as model_id,
    requests.active_mod,
    requests.sequence_confidence,
    left(requests.final_text, %(chars)s) as text
from requests as this
inner join step_logit_summaries on this.id = step_logit_summaries.request_pk
cross join
    lateral (
        select prompted.request_pk
        from step_logit_summaries as prompted
        where prompted.prompt_digest = step_logit_summaries.prompt_digest
        order by prompted.request_pk desc
        limit %(candidates)s
    ) as candidates
inner join requests on candidates.request_pk = requests.id
where
    this.request_id = %(request_id)s
    and (%(owner)s::bytea is null or this.user_key_hmac = %(owner)s::bytea)
    and requests.id <> this.id
    and (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
order by requests.id desc
limit %(limit)s
