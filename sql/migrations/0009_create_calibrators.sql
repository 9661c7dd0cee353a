-- Calibrators: functions from one score to the probability that an answer is correct, fitted to labelled requests.

create table calibrators (
    id bigint generated always as identity primary key,
    user_key_hmac bytea,
    user_key_label text,
    for_users boolean not null,
    model text not null,
    k integer not null,
    logprobs_mode text,
    version integer not null,
    is_active boolean not null,
    score text not null,
    method text not null,
    knots double precision[],
    probabilities double precision[],
    slope double precision,
    intercept double precision,
    n integer not null,
    correct integer not null,
    labelled_from timestamptz not null,
    labelled_to timestamptz not null,
    quality jsonb not null,
    created_at timestamptz not null default now(),
    constraint calibrators_version unique nulls not distinct (user_key_hmac, model, k, logprobs_mode, version),
    constraint calibrators_for_users check (not for_users or user_key_hmac is null),
    constraint calibrators_parameters check (
        case method
            when 'isotonic' then cardinality(knots) > 0 and cardinality(knots) = cardinality(probabilities)
            when 'platt' then slope is not null and intercept is not null
            else false
        end
    )
);

create unique index calibrators_active on calibrators (user_key_hmac, model, k, logprobs_mode) nulls not distinct
where is_active;

comment on table calibrators is 'Functions from a score to the probability that an answer is correct. One per owner, model, k and logprobs_mode is active.';
comment on column calibrators.user_key_hmac is 'The owner, as in requests.user_key_hmac. It is fitted to this user''s requests and applied only to them. Null: fitted by an admin, to requests of all owners.';
comment on column calibrators.user_key_label is 'Label of that key.';
comment on column calibrators.for_users is 'Whether an admins'' calibrator applies to the requests of users that have none of their own.';
comment on column calibrators.version is 'Counts the calibrators of one owner, model, k and logprobs_mode, from 1.';
comment on column calibrators.score is 'The score that it converts, a column of requests.';
comment on column calibrators.method is 'isotonic: linear between the knots, constant outside. platt: 1 / (1 + exp(slope * score + intercept)).';
comment on column calibrators.knots is 'Isotonic: scores, ascending.';
comment on column calibrators.probabilities is 'Isotonic: the probability at each knot.';
comment on column calibrators.n is 'Number of labelled requests that it is fitted to.';
comment on column calibrators.correct is 'Number of them that are correct.';
comment on column calibrators.labelled_from is 'When the earliest of them began.';
comment on column calibrators.labelled_to is 'When the latest of them began.';
comment on column calibrators.quality is 'Cross-validated errors before and after calibration, as in the API.';

alter table requests
add column logprobs_mode text,
add column p_correct double precision,
add column calibrator_id bigint,
add column calibrator_version integer;

comment on column requests.logprobs_mode is 'How the logprobs were computed, in the server''s terms, such as raw_logprobs. Null: not declared.';
comment on column requests.p_correct is 'Calibrated probability that the answer is correct. Null: no calibrator applied.';
comment on column requests.calibrator_id is 'The calibrator that computed p_correct. It may have been deleted since.';
comment on column requests.calibrator_version is 'Its version.';

create function applies_to(calibrator calibrators, owner bytea, model text, k integer, logprobs_mode text)
returns boolean language sql immutable
return calibrator.is_active
and calibrator.model = model
and calibrator.k = k
and calibrator.logprobs_mode is not distinct from logprobs_mode
and (
    calibrator.user_key_hmac = owner
    or (calibrator.user_key_hmac is null and (calibrator.for_users or owner is null))
);

comment on function applies_to is 'Whether a calibrator applies to requests of an owner. The owner''s takes precedence over the admins''.';

create function probability_of(calibrator calibrators, score double precision) returns double precision
language sql immutable as $$
select
    case
        when calibrator.method = 'platt'
            then 1 / (1 + exp(greatest(-700, least(700, calibrator.slope * found.x + calibrator.intercept))))
        when found.i = 0 then calibrator.probabilities[1]
        when found.i = cardinality(calibrator.knots) then calibrator.probabilities[found.i]
        else
            calibrator.probabilities[found.i]
            + (calibrator.probabilities[found.i + 1] - calibrator.probabilities[found.i])
            * ((found.x - calibrator.knots[found.i]) / (calibrator.knots[found.i + 1] - calibrator.knots[found.i]))
    end
from (
    select
        bounded.x,
        width_bucket(bounded.x, calibrator.knots) as i
    from (
        select
            case
                when abs(score) < double precision '1e-150' then 0
                else greatest(double precision '-1e150', least(double precision '1e150', score))
            end as x
    ) as bounded
) as found
$$;

comment on function probability_of is 'The probability that a calibrator derives from a score. Extreme scores are limited, because Postgres raises an error if a float overflows or underflows.';

create function calibrate_request() returns trigger language plpgsql as $$
begin
    select probability_of(calibrators, score_of(new, calibrators.score)), calibrators.id, calibrators.version
    into new.p_correct, new.calibrator_id, new.calibrator_version
    from calibrators
    where
        applies_to(calibrators, new.user_key_hmac, new.model, new.k, new.logprobs_mode)
        and score_of(new, calibrators.score) is not null
    order by calibrators.user_key_hmac nulls last
    limit 1;
    return new;
end
$$;

comment on function calibrate_request is 'Applies the active calibrator to a request that is stored or scored again.';

create trigger requests_calibrate before insert or update of scoring_version on requests
for each row execute function calibrate_request();

create view outdated_calibrations as
select requests.id
from requests
left join lateral (
    select calibrators.id
    from calibrators
    where
        applies_to(calibrators, requests.user_key_hmac, requests.model, requests.k, requests.logprobs_mode)
        and score_of(requests, calibrators.score) is not null -- noqa: RF03
    order by calibrators.user_key_hmac nulls last
    limit 1
) as current on true
where requests.calibrator_id is distinct from current.id;

comment on view outdated_calibrations is 'Requests whose p_correct is not of the calibrator that a new request would get. `manage.py rescore` updates them.';

create function calibrator_of(request requests) returns jsonb language sql immutable
return case
    when request.calibrator_id is not null
        then jsonb_build_object('id', request.calibrator_id, 'version', request.calibrator_version)
end;

comment on function calibrator_of is 'The calibrator that computed p_correct, as in the API.';

create or replace view feed as
select
    requests as request,
    requests.id,
    requests.request_id,
    requests.created_at as created_ts,
    requests.completed_at as finished_ts,
    requests.model as model_id,
    requests.user_key_label as user_api_key,
    requests.final_text,
    requests.total_steps,
    requests.favorited_by,
    requests.discussion_count,
    requests.active_mod,
    requests.tags,
    requests.sequence_confidence,
    requests.sequence_confidence_is_bound,
    requests.lowest_group_confidence,
    requests.group_confidence,
    requests.source,
    requests.group_id,
    requests.ingested_at,
    requests.revision,
    requests.curation,
    coalesce(requests.sequence_confidence, 2::double precision) as sort_confidence,
    requests.p_correct,
    calibrator_of(requests) as calibrator
from requests;
