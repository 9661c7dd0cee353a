"""The features of a token on the page of a trace."""

import json

import psycopg
from playwright.sync_api import Page, expect

from core.wire.zstandard import compress
from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.hf_server import GENERATED, PROMPT_IDS, HfServer, make_timeline

TOKENS = PROMPT_IDS + [token for token, _, _ in GENERATED]


def insert_linked_run(sql: psycopg.Connection, trace_id: str) -> None:
    answer = {"output_text": "x", "output_token_ids": TOKENS, "feature_timeline": make_timeline(TOKENS, 20)}
    sql.execute(
        """
        with made as (
            insert into activation_runs (
                request_id, is_keyless, model_id, prompt_chars, output_tokens, activation_rows_count,
                unique_features_count, sae_enabled, sae_id, sae_layer, duration_ms, status, top_features_preview,
                trace_request_id, request_pk
            )
            select 'ax-1', true, 'm', 1, 7, 9, 9, true, 'scope', 16, 1, 'ok', '{}', request_id, id
            from requests where request_id = %(trace_id)s
            returning id
        )
        insert into activation_previews select id, 'x', 'x', %(tokens)s, 20, %(answer)s, 9 from made
        """,
        {"trace_id": trace_id, "tokens": TOKENS, "answer": compress([json.dumps(answer).encode()])},
    )


def test_a_token_shows_its_strongest_features(client: Client, sql: psycopg.Connection, page: Page) -> None:
    HfServer(post_to=client).post_trace("hf-1")
    insert_linked_run(sql, "hf-1")
    sign_in(page, client.key, "/view/hf-1?token=1")
    table = page.locator("table.features")
    expect(table.locator("caption")).to_have_text("Strongest features, scope, layer 16")
    expect(table.locator("tbody td:first-child")).to_have_text(["#1", "#7", "#130", "#131", "#132"])
    expect(table.locator("tbody tr").first).to_contain_text("8.00")


def test_a_trace_without_a_run_shows_no_features(client: Client, page: Page) -> None:
    HfServer(post_to=client).post_trace("hf-1")
    sign_in(page, client.key, "/view/hf-1?token=1")
    expect(page.get_by_text("Top-k probabilities")).to_be_visible()
    expect(page.locator("table.features")).to_have_count(0)
