select count(*) as holds
from legal_holds
