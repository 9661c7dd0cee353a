select
    requests.request_id,
    collection_members.added_at,
    collection_members.added_by,
    collection_members.notes,
    requests.created_at as created_ts,
    requests.completed_at as finished_ts,
    requests.model as model_id,
    requests.final_text
from collection_members
inner join requests on collection_members.request_pk = requests.id
inner join collections on collection_members.collection_id = collections.id
where
    collections.id = %(id)s
    and (collections.user_key_hmac is null or requests.user_key_hmac = collections.user_key_hmac)
order by collection_members.added_at desc, requests.id desc
limit %(limit)s offset %(offset)s
