-- Put a request on legal hold, or replace the reason of its hold.
insert into legal_holds (request_pk, reason, held_by)
values (%(request_pk)s, %(reason)s, %(held_by)s)
on conflict (request_pk) do update
    set
        reason = excluded.reason,
        held_by = excluded.held_by,
        held_at = now()
returning
    %(request_id)s::text as request_id,
    reason,
    held_by,
    held_at
