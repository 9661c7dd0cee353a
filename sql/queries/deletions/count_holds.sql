-- Count the legal holds.
select count(*) as holds
from legal_holds
