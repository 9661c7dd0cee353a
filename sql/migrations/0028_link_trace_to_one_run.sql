-- Link a new trace to the oldest of its runs. If the HF server used an id for two runs, both were linked before, which
-- violated the unique constraint, so that the trace could not be stored.
create or replace function link_activation_run() returns trigger language plpgsql as $$
begin
    -- A run and its trace may be stored at the same time. The one that is second sees the first.
    perform pg_advisory_xact_lock(hashtextextended(new.request_id, 0));
    update activation_runs
    set request_pk = new.id, updated_at = now()
    where id = (
        select min(runs.id)
        from activation_runs as runs
        where runs.trace_request_id = new.request_id and may_link(runs, new)
    );
    return null;
end
$$;
comment on function link_activation_run() is 'Links a new trace to the oldest of its runs.';
