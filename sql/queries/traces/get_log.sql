select
    requests.request_id,
    requests.revision,
    requests.user_api_key,
    requests.public_token is not null as is_public,
    requests.public_token,
    requests.favorited_by,
    requests.tags,
    requests.discussion_count,
    request_traces.log
from requests
inner join request_traces on requests.id = request_traces.request_pk
where requests.request_id = %(request_id)s
