"""Requests for the feed of the viewer, and parts of its page."""

from typing import Any

import psycopg
from playwright.sync_api import Locator, Page, expect

from tests.support.client import Client
from tests.support.documents import call, make_document, number, one_token

HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>\u202e\u0007'


def post(client: Client, request_id: str, **request: Any) -> None:
    mods = [call(0, mod=request["active_mod_name"])] if "active_mod_name" in request else []
    parts = {"final_text": f"answer of {request_id}", **request}
    assert client.ingest(make_document(request_id, number(one_token()), mod_calls=mods, request=parts)).status == 201


def post_many(sql: psycopg.Connection, count: int, of: str = "a") -> None:
    """Store copies of a request, each a second older than the previous one."""
    names = (
        "request_id created_at posted_by model mods final_text total_steps tokens tokens_with_distribution"
        " sampled_tokens sampled_in_top_k scored_tokens forced_tokens discarded_tokens masked_tokens interventions"
        " backtracks sequence_confidence sequence_confidence_is_bound group_confidence"
    )
    made = {
        "request_id": "'copy ' || n",
        "created_at": "created_at - n * interval '1 second'",
        "final_text": "'answer of copy ' || n",
    }
    chosen = ", ".join(made.get(name, name) for name in names.split())
    into = f"insert into requests ({', '.join(names.split())})"
    statement = f"{into} select {chosen} from requests, generate_series(1, %s) n where request_id = %s"
    sql.execute(statement.encode(), [count, of])


def rows(page: Page) -> Locator:
    return page.get_by_role("article")


def texts(page: Page) -> list[str]:
    return page.locator("article .text").all_inner_texts()


def wait_until_live(page: Page) -> None:
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
