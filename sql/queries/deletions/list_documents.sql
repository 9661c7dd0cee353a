-- List a page of stored documents and rendered logs.
select
    request_pk,
    document
from request_traces
where request_pk > %(after)s
order by request_pk
limit %(limit)s
