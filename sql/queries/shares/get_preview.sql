-- Get the fields of a link preview. The document is omitted if the process has read this version (`known`).
select
    requests.model,
    substr(requests.final_text, 1, %(characters)s::integer) as final_text,
    requests.sequence_confidence,
    requests.sequence_confidence_is_bound,
    document_version(requests, false) as version,
    request_traces.format,
    request_traces.choice,
    case
        when document_version(requests, false) = any(%(known)s::text[]) then null
        else request_traces.document
    end as document
from requests
inner join request_traces on requests.id = request_traces.request_pk
where requests.id = open_link(%(token_hash)s, %(request_id)s::text)
