select user_key_hmac
from requests
where request_id = %(request_id)s
