-- Count the contents of the database for `manage.py status`.
select
    (select count(*) from requests) as requests,
    (
        select count(*) from requests
        where
            requests.scoring_version <> %(scoring_version)s
            or requests.id in (select outdated_calibrations.id from outdated_calibrations)
    ) as outdated,
    (select coalesce(sum(requests.tokens), 0) from requests) as tokens,
    (select coalesce(sum(request_traces.document_bytes), 0) from request_traces) as posted_bytes,
    (select coalesce(sum(octet_length(request_traces.document)), 0) from request_traces) as stored_bytes,
    pg_database_size(current_database()) as database_bytes,
    (select count(*) from collections) as collections,
    (select count(*) from calibrators) as calibrators,
    (select count(*) from discussions) as comments,
    (select count(*) from outcomes) as outcomes,
    (select count(*) from api_keys) as keys,
    (
        select count(*) from api_keys
        where is_live(api_keys)
    ) as live_keys,
    (select max(requests.ingested_at) from requests) as newest,
    (select clock_timestamp()) as counted_at
