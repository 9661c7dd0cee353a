-- Count the requests and return the time of the newest.
select
    count(*) as requests,
    max(created_at) as newest
from requests
