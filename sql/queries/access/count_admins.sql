-- Count all admin keys, including revoked and expired ones.
select count(*)
from api_keys
where is_admin
