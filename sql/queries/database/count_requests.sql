select
    count(*) as requests,
    max(created_at) as newest
from requests
