-- Lock the next requests whose scores were computed with another version of the rules, with their documents.
select
    requests.id,
    requests.request_id,
    requests.sequence_confidence,
    request_traces.format,
    request_traces.choice,
    request_traces.document
from requests
inner join request_traces on requests.id = request_traces.request_pk
where
    requests.id > %(after_id)s
    and (requests.scoring_version <> %(version)s or %(everything)s)
order by requests.id
limit %(limit)s
for no key update of requests
