-- Delete requests and insert a receipt for each. Users who have no requests left are signed out.
-- All parts see the state before the statement. Foreign keys and triggers delete the child rows.
with
deleted as (
    delete from requests
    where
        id = any(%(ids)s::bigint[])
        -- Checked again under the lock, because a hold may have been set since the rows were selected.
        and not is_on_hold(requests)
    returning id, request_id, tokens, user_key_hmac
),

ended as (
    delete from sign_ins
    where
        user_key_hmac in (select deleted.user_key_hmac from deleted)
        and not exists (
            select from requests
            where
                requests.user_key_hmac = sign_ins.user_key_hmac
                and requests.id not in (select deleted.id from deleted)
        )
)

insert into deletions (
    request_sha256,
    deleted_by,
    reason,
    document_bytes,
    steps,
    summaries,
    mod_calls,
    mod_logs,
    actions,
    discussions,
    outcomes,
    memberships
)
select
    sha256(convert_to(deleted.request_id, 'UTF8')),
    %(deleted_by)s,
    %(reason)s,
    coalesce((
        select request_traces.document_bytes from request_traces
        where request_traces.request_pk = deleted.id
    ), 0),
    deleted.tokens,
    coalesce((
        select cardinality(step_logit_summaries.generation_step) from step_logit_summaries
        where step_logit_summaries.request_pk = deleted.id
    ), 0),
    coalesce((
        select cardinality(mod_calls.block) from mod_calls
        where mod_calls.request_pk = deleted.id
    ), 0),
    coalesce((
        select cardinality(mod_logs.log_level) from mod_logs
        where mod_logs.request_pk = deleted.id
    ), 0),
    coalesce((
        select cardinality(actions.action_type) from actions
        where actions.request_pk = deleted.id
    ), 0),
    (
        select count(*) from discussions
        where discussions.request_pk = deleted.id
    ),
    (
        select count(*) from outcomes
        where outcomes.request_pk = deleted.id
    ),
    (
        select count(*) from collection_members
        where collection_members.request_pk = deleted.id
    )
from deleted
returning
    request_sha256,
    deleted_at,
    deleted_by,
    reason,
    document_bytes,
    steps,
    summaries,
    mod_calls,
    mod_logs,
    actions,
    discussions,
    outcomes,
    memberships,
    ordinal,
    chain
