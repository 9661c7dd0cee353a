select
    model,
    substr(final_text, 1, %(characters)s::integer) as final_text,
    sequence_confidence,
    sequence_confidence_is_bound,
    total_steps
from requests
where
    share_token_hash = %(token_hash)s
    and coalesce(share_expires_at > now(), true)
