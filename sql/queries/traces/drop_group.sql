-- Delete the previous answers of an id that are no longer posted. Quote traces with this group are not among them.
-- If the caller may not delete one of them, the statement fails, because a revision can't be null.
with
previous as (
    select
        requests.id,
        (
            %(may_replace_any)s::boolean
            or requests.user_key_hmac = present_owner(%(user_key_hmac)s::bytea)
            or (
                requests.user_key_hmac is null
                and %(user_key_hmac)s::bytea is null
                and requests.posted_by = %(posted_by)s::text
            )
        )
        and not is_on_hold(requests) as may_go
    from requests
    where
        (
            requests.group_id = %(base_id)s::text and requests.source <> 'quote'
            or requests.request_id = %(base_id)s::text
        )
        and requests.request_id <> all(%(request_ids)s::text[])
    for update
),

gone as (
    delete from requests
    using previous
    where requests.id = previous.id and previous.may_go
)

update requests
set revision = null
from previous
where requests.id = previous.id and previous.may_go is not true
