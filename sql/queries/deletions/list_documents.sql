select
    request_pk,
    document,
    log
from request_traces
where request_pk > %(after)s
order by request_pk
limit %(limit)s
