-- Count the requests whose stored scores were computed with another version of the rules.
select count(*)
from requests
where scoring_version <> %(version)s or %(everything)s
