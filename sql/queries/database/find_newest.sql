select max(ingested_at) as newest
from requests
