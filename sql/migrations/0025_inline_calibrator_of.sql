-- Let Postgres inline calibrator_of, which it does not do if an immutable function calls one that is only stable. Each
-- row of the feed otherwise takes a call with a copy of the row.

create or replace function calibrator_of(request requests) returns jsonb language sql stable
return case
    when request.calibrator_id is not null
        then jsonb_build_object('id', request.calibrator_id, 'version', request.calibrator_version)
end;
