-- List a page of the runs that a caller sees, newest first, or get one by its id.
select
    activation_runs.request_id,
    activation_runs.created_at,
    activation_runs.model_id,
    activation_runs.prompt_chars,
    activation_runs.output_tokens,
    0 as events_count,
    0 as actions_count,
    activation_runs.activation_rows_count,
    activation_runs.unique_features_count,
    activation_runs.sae_enabled,
    activation_runs.sae_id,
    activation_runs.sae_layer,
    activation_runs.duration_ms,
    activation_runs.status,
    activation_runs.error_message,
    activation_runs.top_features_preview,
    activation_runs.trace_request_id
from activation_runs
where
    (%(request_id)s::text is null or activation_runs.request_id = %(request_id)s::text)
    and is_visible(activation_runs, %(sees_all)s, %(is_keyless)s, %(owner)s::bytea)
    and (%(status)s::text is null or activation_runs.status = %(status)s::text)
    and (%(model_id)s::text is null or activation_runs.model_id = %(model_id)s::text)
    and (%(sae_enabled)s::boolean is null or activation_runs.sae_enabled = %(sae_enabled)s::boolean)
    and (
        %(before_id)s::text is null
        or (activation_runs.created_at, activation_runs.request_id) < (%(before)s::timestamptz, %(before_id)s::text)
    )
order by activation_runs.created_at desc, activation_runs.request_id desc
limit %(limit)s
