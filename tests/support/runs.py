"""Runs of the activations page, inserted without a server."""

import psycopg

from core.wire.zstandard import compress

ANSWER = b'{"output_text": "x", "output_token_ids": [1], "feature_timeline": []}'


def insert_run(sql: psycopg.Connection, request_id: str, owner_label: str) -> None:
    """Insert a run of a user whose traces are stored, unless it exists."""
    sql.execute(
        """
        with made as (
            insert into activation_runs (
                request_id, user_key_hmac, user_key_label, is_keyless, model_id, prompt_chars, output_tokens,
                activation_rows_count, unique_features_count, sae_enabled, duration_ms, status, top_features_preview
            )
            select %(request_id)s, user_key_hmac, %(label)s, false, 'm', 1, 1, 0, 0, true, 1, 'ok', '{}'
            from requests where user_key_label = %(label)s limit 1
            on conflict (request_id) do nothing
            returning id
        )
        insert into activation_previews
        select id, 'x', 'x', '{1}', 20, %(answer)s, 9 from made
        """,
        {"request_id": request_id, "label": owner_label, "answer": compress([ANSWER])},
    )
