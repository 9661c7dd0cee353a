-- List the outcomes of a request of the caller, oldest first.
select
    outcomes.source,
    outcomes.correct,
    outcomes.note,
    outcomes.recorded_at
from requests
inner join outcomes on requests.id = outcomes.request_pk
where
    requests.request_id = %(request_id)s
    and (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
order by outcomes.recorded_at, outcomes.source
