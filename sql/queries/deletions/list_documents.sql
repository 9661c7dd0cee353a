-- List a page of stored documents.
select
    request_pk,
    format,
    document
from request_traces
where request_pk > %(after)s
order by request_pk
limit %(limit)s
