"""Responses of servers to post, and helpers to post them."""

import json
from pathlib import Path
from typing import Any

from tests.support.client import Answer, Client

FIXTURES = Path(__file__).parents[1] / "responses" / "fixtures"
REQUEST = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Capital?"}]}


def load(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_bytes())


def post(client: Client, item: object, **headers: str) -> Answer:
    return client.post_bytes("/v1/ingest", json.dumps(item).encode(), **headers)


def make_chat(*texts: str, request_id: str = "chat-1") -> dict[str, Any]:
    """Make a chat completion with one choice per text, each of one token with p = 0.5."""
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": text, "logprob": -0.6931471805599453, "top_logprobs": None}]},
        }
        for index, text in enumerate(texts)
    ]
    return {"id": request_id, "object": "chat.completion", "created": 1_764_000_000, "model": "m", "choices": choices}
