-- Insert a run and link it to its trace, if that is stored. Returns no row if the id is taken.
insert into activation_runs (
    request_id,
    created_at,
    user_key_hmac,
    user_key_label,
    is_keyless,
    model_id,
    prompt_chars,
    output_tokens,
    activation_rows_count,
    unique_features_count,
    sae_enabled,
    sae_id,
    sae_layer,
    duration_ms,
    status,
    error_message,
    top_features_preview,
    trace_request_id
)
values (
    %(request_id)s,
    coalesce(%(created_at)s::timestamptz, now()),
    %(user_key_hmac)s::bytea,
    %(user_key_label)s::text,
    %(is_keyless)s,
    %(model_id)s,
    %(prompt_chars)s,
    %(output_tokens)s,
    %(activation_rows_count)s,
    %(unique_features_count)s,
    %(sae_enabled)s,
    %(sae_id)s::text,
    %(sae_layer)s::integer,
    %(duration_ms)s,
    %(status)s,
    %(error_message)s::text,
    %(top_features_preview)s::bigint[],
    %(trace_request_id)s::text
)
on conflict on constraint activation_runs_request_id_key do nothing
returning id
