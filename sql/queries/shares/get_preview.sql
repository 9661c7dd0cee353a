-- Get the fields of a link preview.
select
    model,
    substr(final_text, 1, %(characters)s::integer) as final_text,
    sequence_confidence,
    sequence_confidence_is_bound,
    total_steps
from requests
where id = open_link(%(token_hash)s, %(request_id)s::text)
