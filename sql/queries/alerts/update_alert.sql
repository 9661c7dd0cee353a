-- Change an alert. A silence starts again.
update alerts
set
    name = %(name)s::text,
    score = %(score)s::text,
    fires_above = %(fires_above)s::boolean,
    threshold = %(threshold)s::double precision,
    share = %(share)s::double precision,
    window_s = %(window_s)s::integer,
    filters = %(filters)s::jsonb,
    url = %(url)s::text,
    include_prompt = %(include_prompt)s::boolean,
    active = %(active)s::boolean,
    is_silent = false,
    updated_at = now()
where id = %(id)s
