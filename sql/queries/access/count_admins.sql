select count(*)
from api_keys
where is_admin
