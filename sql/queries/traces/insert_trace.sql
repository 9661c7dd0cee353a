insert into request_traces (request_pk, document, document_bytes, log)
select
    requests.id,
    %(document)s,
    %(document_bytes)s,
    %(log)s
from requests
where requests.request_id = %(request_id)s
