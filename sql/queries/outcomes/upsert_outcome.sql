-- Insert or replace the outcome of a request by one source.
insert into outcomes (request_pk, source, correct, note)
select
    requests.id,
    %(source)s,
    %(correct)s::boolean,
    %(note)s::text
from requests
where requests.request_id = %(request_id)s
on conflict (request_pk, source) do update
    set correct = excluded.correct, note = excluded.note, recorded_at = now()
returning source, correct, note, recorded_at
