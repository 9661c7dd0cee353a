-- Get the document of a request that this owner may read.
-- A null owner may read every request.
select
    requests.user_key_hmac,
    requests.p_correct,
    calibrator_of(requests) as calibrator,
    request_traces.format,
    request_traces.choice,
    request_traces.document
from requests
inner join request_traces on requests.id = request_traces.request_pk
where
    requests.request_id = %(request_id)s
    and (%(owner)s::bytea is null or requests.user_key_hmac = %(owner)s::bytea)
