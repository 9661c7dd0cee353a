select
    requests.user_key_hmac,
    request_traces.document,
    request_traces.log
from requests
inner join request_traces on requests.id = request_traces.request_pk
where requests.request_id = %(request_id)s
