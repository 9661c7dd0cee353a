-- Count the admin keys ever made, revoked and expired ones included.
select count(*)
from api_keys
where is_admin
