-- Count the requests whose stored scores are of another version of the rules, or p_correct of another calibrator.
select count(*)
from requests
where
    scoring_version <> %(version)s
    or %(everything)s
    or id in (select outdated_calibrations.id from outdated_calibrations)
