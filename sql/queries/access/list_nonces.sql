-- List the nonces from which links and the signing secrets of alerts are derived.
select
    'request' as kind,
    requests.id,
    requests.share_nonce as nonce,
    null::bytea as previous_nonce
from requests
where requests.share_token_hash is not null
union all
select
    'collection' as kind,
    collections.id,
    collections.share_nonce as nonce,
    null::bytea as previous_nonce
from collections
where collections.share_token_hash is not null
union all
select
    'alert' as kind,
    alerts.id,
    alerts.secret_nonce as nonce,
    alerts.previous_nonce
from alerts
