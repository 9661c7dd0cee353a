-- Apply the active calibrators to the next requests whose p_correct is of another one. A trigger computes p_correct.
-- This counts as a change visible to readers, so `curation` grows.
with
outdated as (
    select outdated_calibrations.id
    from outdated_calibrations
    where outdated_calibrations.id > %(after_id)s
    order by outdated_calibrations.id
    limit %(limit)s
)

update requests
set scoring_version = requests.scoring_version, curation = requests.curation + 1
from outdated
where requests.id = outdated.id
returning requests.id
