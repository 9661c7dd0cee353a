-- Insert an alert, unless its owner has the maximum number.
insert into alerts (
    user_key_hmac,
    name,
    kind,
    score,
    fires_above,
    threshold,
    share,
    window_s,
    filters,
    url,
    include_prompt,
    active,
    secret_nonce
)
select
    %(owner)s::bytea,
    %(name)s::text,
    %(kind)s::text,
    %(score)s::text,
    %(fires_above)s::boolean,
    %(threshold)s::double precision,
    %(share)s::double precision,
    %(window_s)s::integer,
    %(filters)s::jsonb,
    %(url)s::text,
    %(include_prompt)s::boolean,
    %(active)s::boolean,
    %(secret_nonce)s::bytea
where (
    select count(*) from alerts
    where alerts.user_key_hmac is not distinct from %(owner)s::bytea
) < %(most)s::bigint
returning id
