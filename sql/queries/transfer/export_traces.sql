-- Export the documents of the requests that pass the filters.
-- `--what steps` derives its rows from these documents.
select
    requests.request_id,
    request_traces.format,
    request_traces.document,
    requests.created_at,
    requests.user_key_hmac,
    requests.user_key_label,
    request_traces.choice,
    requests.group_id,
    requests.user_key_hmac in (select former_owners.user_key_hmac from former_owners) is true as has_previous_owner
from requests
inner join request_traces on requests.id = request_traces.request_pk
where request_matches(requests, %(filters)s::feed_filters)
order by requests.id
