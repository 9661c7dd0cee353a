-- Delete the activation runs of a user or stored before a time, except those whose request is on legal hold.
delete from activation_runs
where
    (%(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea)
    and (%(before)s::timestamptz is null or created_at < %(before)s::timestamptz)
    and not exists (
        select from legal_holds
        where legal_holds.request_pk = activation_runs.request_pk
    )
