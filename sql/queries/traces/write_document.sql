-- Write a request's document, replacing the previous revision's document.
insert into request_traces (request_pk, format, document, document_bytes, choice)
select
    requests.id,
    %(format)s,
    %(document)s,
    %(document_bytes)s,
    %(choice)s
from requests
where requests.request_id = %(request_id)s
on conflict (request_pk) do update
    set
        format = excluded.format,
        document = excluded.document,
        document_bytes = excluded.document_bytes,
        choice = excluded.choice
