-- Return when the newest trace was stored.
select max(ingested_at) as newest
from requests
