"""Answers of the playground if settings are missing, or calls without a key are not allowed."""

import json
from typing import Any

import pytest

from tests.support.client import Answer, Client, send
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY

USER = "key-of-a-user"
CHAT: dict[str, Any] = {"model": "llama-3.1-8b", "messages": [{"role": "user", "content": "x"}]}
FORM: dict[str, Any] = {"config": {"position": "start", "injection_string": "x"}}


def post(client: Client, path: str, key: str | None, body: dict[str, Any]) -> Answer:
    headers = {"x_api_key": key} if key else {}
    return client.post_bytes(f"/playground/{path}", json.dumps(body).encode(), **headers)


def test_keyless_calls_are_refused_by_default_and_name_the_setting(client: Client) -> None:
    for path, status in (("api-key", 403), ("mods/generate", 401)):
        answer = post(client, path, None, FORM)
        assert answer.status == status
        assert "PLAYGROUND_KEYLESS" in answer.json["message"]
    for path in ("mods/generate", "activations/run", "activations/extract"):
        assert client.post_bytes(f"/playground/{path}", b"{").status == 401
        assert client.post_bytes(f"/playground/{path}", b"{", x_api_key="unknown").status == 401
    assert post(client, "mods/generate", ADMIN_KEY, FORM).status == 200
    assert post(client, "mods/generate", "unknown", FORM).status == 401


@pytest.mark.parametrize(
    ("path", "body", "setting"),
    [
        ("inference", CHAT, "PLAYGROUND_LLAMA_8B_URL"),
        ("inference", {**CHAT, "model": "qwen-14b"}, "PLAYGROUND_QWEN_14B_URL"),
        ("mods/upload", {"model": "qwen-14b", "mod_name": "x"}, "PLAYGROUND_QWEN_14B_URL"),
        ("features/extract", {"model": "llama-3.1-8b", "tokens": [1]}, "PLAYGROUND_SAE_URL"),
    ],
)
def test_a_missing_setting_is_named(client: Client, path: str, body: dict[str, Any], setting: str) -> None:
    client.ingest(make_document("r", request={"user_api_key": USER}))
    if path == "mods/upload":
        body = {**body, "code": send(client, "POST", "/playground/mods/generate", USER, **FORM).json["code"]}
    answer = post(client, path, USER, body)
    assert answer.status == 503
    assert answer.json["message"].startswith(f"{setting}: not set")
