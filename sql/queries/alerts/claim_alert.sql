-- Claim the next alert of a period that is due, and note its evaluation.
update alerts
set evaluated_at = now()
where
    alerts.id = (
        select due.id
        from alerts as due
        where
            due.id > %(after_id)s
            and is_due(due)
        order by due.id
        limit 1
        for no key update skip locked
    )
returning
    id,
    kind,
    score,
    fires_above,
    threshold,
    share,
    window_s,
    filters,
    user_key_hmac as owner,
    is_silent,
    updated_at,
    now() as claimed_at
