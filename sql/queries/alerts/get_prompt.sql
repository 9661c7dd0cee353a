-- Return the document of an event's request, unless it is too large to parse for a prompt.
-- The event was deleted if the request has another owner by now.
select
    request_traces.format,
    request_traces.document
from alert_events
inner join request_traces on alert_events.request_pk = request_traces.request_pk
where
    alert_events.id = %(id)s
    and request_traces.document_bytes <= %(most_bytes)s
