select
    requests.revision,
    request_traces.document,
    request_traces.document_bytes
from requests
inner join request_traces on requests.id = request_traces.request_pk
where requests.request_id = %(request_id)s
