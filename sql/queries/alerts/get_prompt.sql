-- Return the document of a request, unless it is too large to parse for a prompt.
select
    request_traces.format,
    request_traces.choice,
    request_traces.document
from request_traces
inner join requests on request_traces.request_pk = requests.id
where
    requests.request_id = %(request_id)s
    and request_traces.document_bytes <= %(most_bytes)s
