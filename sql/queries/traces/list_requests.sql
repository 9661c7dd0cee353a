select
    request_id,
    created_at as created_ts,
    completed_at as finished_ts,
    model as model_id,
    user_key_label as user_api_key,
    final_text,
    total_steps,
    favorited_by,
    discussion_count,
    active_mod,
    tags,
    sequence_confidence,
    sequence_confidence_is_bound,
    lowest_group_confidence
from requests
where %(owner)s::bytea is null or user_key_hmac = %(owner)s::bytea
order by created_at desc, id desc
limit %(limit)s offset %(offset)s
