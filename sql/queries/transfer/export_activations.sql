-- Export activation runs, filtered by owner, model and period, oldest first.
select
    jsonb_build_object(
        'request_id', activation_runs.request_id,
        'created_at', activation_runs.created_at,
        'user_api_key', activation_runs.user_key_label,
        'is_keyless', activation_runs.is_keyless,
        'model_id', activation_runs.model_id,
        'prompt_chars', activation_runs.prompt_chars,
        'output_tokens', activation_runs.output_tokens,
        'activation_rows_count', activation_runs.activation_rows_count,
        'unique_features_count', activation_runs.unique_features_count,
        'sae_enabled', activation_runs.sae_enabled,
        'sae_id', activation_runs.sae_id,
        'sae_layer', activation_runs.sae_layer,
        'duration_ms', activation_runs.duration_ms,
        'status', activation_runs.status,
        'error_message', activation_runs.error_message,
        'top_features_preview', activation_runs.top_features_preview,
        'trace_request_id', activation_runs.trace_request_id,
        'preview', case
            when activation_previews.run_id is not null
                then jsonb_build_object(
                    'prompt', activation_previews.prompt,
                    'output_text', activation_previews.output_text,
                    'output_token_ids', activation_previews.output_token_ids,
                    'sae_top_k', activation_previews.sae_top_k,
                    'answer', translate(encode(activation_previews.answer, 'base64'), e'\n', ''),
                    'answer_bytes', activation_previews.answer_bytes
                )
        end
    ) as thunder_activation_run
from activation_runs
left join activation_previews on activation_runs.id = activation_previews.run_id
where
    (
        (%(filters)s::feed_filters).owner is null
        or activation_runs.user_key_hmac = (%(filters)s::feed_filters).owner
    )
    and (
        (%(filters)s::feed_filters).model is null
        or activation_runs.model_id = (%(filters)s::feed_filters).model
    )
    and activation_runs.created_at >= coalesce((%(filters)s::feed_filters).created_from, '-infinity')
    and activation_runs.created_at < coalesce((%(filters)s::feed_filters).created_to, 'infinity')
order by activation_runs.id
