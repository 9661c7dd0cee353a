-- Get a run that a caller sees.
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
    activation_runs.request_id = %(request_id)s
    and is_visible(activation_runs, %(sees_all)s, %(is_keyless)s, %(owner)s::bytea)
