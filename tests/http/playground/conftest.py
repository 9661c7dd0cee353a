"""A Thunder whose model and SAE servers are stand-ins on real sockets."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.client import Answer, Client, send
from tests.support.keys import SECRET
from tests.support.servers import ServerThread, start_thread
from tests.support.upstream import Call, Script, Upstream, run_upstream

MODEL_ADMIN_KEY = "admin-key-of-the-model-server"
TIMELINE = [{"position": 0, "token": 5, "token_str": "a", "top_features": [{"id": 7, "activation": 1.5}]}]


@dataclass
class Playground:
    """The server, and its upstream servers."""

    client: Client
    model: Upstream
    sae: Upstream

    def post(self, path: str, key: str | None = None, /, **body: Any) -> Answer:
        headers = {"x_api_key": key} if key else {}
        return self.client.post_bytes(f"/playground/{path}", json.dumps(body).encode(), **headers)

    def make_key(self) -> str:
        answer = self.post("api-key")
        assert answer.status == 200, answer.data
        return answer.json["api_key"]

    def generate(self, **config: Any) -> str:
        answer = self.post("mods/generate", config={"injection_string": "hi", "position": "start", **config})
        assert answer.status == 200, answer.data
        return answer.json["code"]

    def upload(self, key: str, **fields: Any) -> Answer:
        body = {"model": "llama-3.1-8b", "mod_name": "playground_mod", **fields}
        if "code" not in body:
            body["code"] = self.generate()
        return self.post("mods/upload", key, **body)

    def infer(self, key: str, **fields: Any) -> Answer:
        chat = {"model": "llama-3.1-8b", "messages": [{"role": "user", "content": "Hi"}], **fields}
        return self.post("inference", key, **chat)

    def extract(self, key: str, **fields: Any) -> Answer:
        return self.post("features/extract", key, **{"model": "llama-3.1-8b", "tokens": [5, 6], **fields})

    def analyze(self, key: str, **fields: Any) -> Answer:
        body = {"model": "llama-3.1-8b", "feature_timeline": TIMELINE, **fields}
        return self.post("features/analyze", key, **body)

    def call_servers(self, key: str, **upload: Any) -> list[Answer]:
        """Make each call that leads to a server."""
        return [self.upload(key, **upload), self.infer(key), self.extract(key), self.analyze(key)]

    def script_all(self, script: Script) -> None:
        """Let every path of both servers answer the same."""
        for server in (self.model, self.sae):
            server.scripts = dict.fromkeys(server.scripts, script)

    def logs(self, key: str) -> list[str]:
        return [row["request_id"] for row in send(self.client, "GET", "/logs", key).json["data"]]


def complete(call: Call) -> dict[str, Any]:
    """The answer of a model server to a chat."""
    message = {"role": "assistant", "content": f"to {call.body['messages'][-1]['content']}"}
    return {"id": "chatcmpl-r1", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}


def script(model: Upstream, sae: Upstream) -> None:
    model.scripts = {
        "/add_user": {"ok": True, "user": "u", "existed": False},
        "/v1/mods": {"name": "playground_mod", "replaced": False, "description": ""},
        "/v1/chat/completions": complete,
    }
    sae.scripts = {
        "/extract_features": {"feature_timeline": TIMELINE},
        "/analyze_features": {"analysis": "It is about a.", "top_features": []},
    }
    for server in (model, sae):
        server.calls.clear()


@pytest.fixture(scope="module")
def upstreams() -> Iterator[tuple[Upstream, Upstream]]:
    with run_upstream() as model, run_upstream() as sae:
        yield model, sae


@pytest.fixture(scope="module")
def playground_server(shared_database: Any, upstreams: tuple[Upstream, Upstream]) -> Iterator[ServerThread]:
    model, sae = upstreams
    with start_thread(
        shared_database.url,
        THUNDER_SECRET=SECRET,
        PLAYGROUND_LLAMA_8B_URL=model.url + "/",
        PLAYGROUND_QWEN_14B_URL=model.url,
        PLAYGROUND_ADMIN_KEY=MODEL_ADMIN_KEY,
        PLAYGROUND_SAE_URL=sae.url,
        PLAYGROUND_KEYLESS="true",
    ) as server:
        yield server


@pytest.fixture
def playground(playground_server: ServerThread, database_url: str, upstreams: tuple[Upstream, Upstream]) -> Playground:
    del database_url
    playground_server.forget_guesses()
    script(*upstreams)
    return Playground(playground_server.client, *upstreams)
