"""GET /v1/confidence/changes: prompts that recur in two periods, whatever the origin of their requests."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from core.traces.first_list import digest_prompt
from tests.support.client import Client
from tests.support.first_lists import draw_list, post_quote

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
PATH = "/v1/confidence/changes?baseline_to=2026-04-01T00:00:00Z&from=2026-04-01T00:00:00Z"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5}


def post_chat(client: Client, request_id: str, created_at: datetime, top: list[dict[str, Any]], **request: Any) -> None:
    choice = {"token": top[0]["token_str"], "logprob": top[0]["logprob"]}
    named = [{"token": row["token_str"], "logprob": row["logprob"]} for row in top]
    response = {
        "choices": [
            {
                "index": i,
                "message": {"content": choice["token"]},
                "logprobs": {"content": [{**choice, "top_logprobs": named}]},
            }
            for i in range(request.pop("n", 1))
        ]
    }
    item = {"request_id": request_id, "created_at": created_at.isoformat(), "request": {**CHAT, **request}}
    assert client.ingest({**item, "response": response}).status in (201, 207)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_a_change_of_the_model_is_detected_in_traces_and_responses(client: Client, shift: float) -> None:
    noise = random.Random(7)
    for i in range(20):
        moment, moved = (MARCH, 0.0) if i < 12 else (APRIL, shift)
        moment += timedelta(hours=i)
        post_quote(client, f"q{i}", moment, draw_list(noise, shift=moved), "the prompt")
        post_chat(client, f"c{i}", moment, draw_list(noise, shift=moved), seed=i, user=f"u{i}")
        post_quote(client, f"once {i}", moment, draw_list(noise), f"prompt {i}")
    found = client.get(PATH).json
    assert set(found) == {"prompts", "statistic", "pvalue", "message"}
    assert found["prompts"] == 2
    assert (found["pvalue"] < 0.01) == ("has changed" in found["message"]) == (shift > 0)
    assert client.get(f"{PATH}&model=other").json["prompts"] == 0
    assert client.get(f"{PATH}&source=quote").json["prompts"] == 1
    assert client.get("/v1/confidence/changes").json["prompts"] == 0  # the periods are the same requests


def test_the_choices_of_one_call_count_once(client: Client) -> None:
    noise = random.Random(7)
    post_chat(client, "one", MARCH, draw_list(noise), n=5)
    post_chat(client, "two", APRIL, draw_list(noise), n=5)
    assert client.get(PATH).json["prompts"] == 0  # each period has one independent request
    post_chat(client, "three", MARCH, draw_list(noise), n=1)
    assert client.get(PATH).json["prompts"] == 1


def test_other_settings_are_another_prompt(client: Client) -> None:
    noise = random.Random(7)
    same, other = CHAT["messages"], [{"role": "user", "content": "Ho"}]
    for i, fields in enumerate(
        ({"messages": same}, {"messages": same}, {"messages": same, "temperature": 0.6}, {"messages": other})
    ):
        post_chat(client, f"s{i}", MARCH if i < 2 else APRIL, draw_list(noise), **fields)
    assert client.get(PATH).json["prompts"] == 0
    post_chat(client, "s4", APRIL, draw_list(noise), max_tokens=3)
    assert client.get(PATH).json["prompts"] == 1


def test_first_lists_are_stored_in_few_bytes_and_only_with_a_prompt(client: Client, sql: psycopg.Connection) -> None:
    post_quote(client, "q", MARCH, draw_list(random.Random(1)), "the prompt")
    twice = [{"token": None, "token_str": "x", "logprob": -1.0}] * 3
    post_chat(client, "c", MARCH, [{**row, "logprob": -1.0 - i} for i, row in enumerate(twice)])
    assert client.ingest({"id": "bare", "choices": [{"index": 0, "text": "x"}]}).status == 201
    rows = sql.execute(
        """
        select request_id, prompt_digest, first_tokens, first_logprobs
        from step_logit_summaries inner join requests on requests.id = request_pk
        order by request_id
        """
    ).fetchall()
    assert rows[0] == ("bare", None, None, None)
    _, digest, tokens, logprobs = rows[1]
    assert digest == digest_prompt({**CHAT})
    assert len(set(tokens)) == 3
    assert max(tokens) < 0
    assert logprobs == [-1.0, -2.0, -3.0]
    assert (rows[2][1], sorted(rows[2][2])) == (digest_prompt({"input_text": "the prompt"}), [0, 1, 2, 3, 4])
