"""A Thunder with an HF server, both on real sockets. The tests of this folder share them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from tests.support.client import Answer, Client, make_key, send
from tests.support.databases import Databases
from tests.support.hf_server import GENERATED, PROMPT_IDS, HfServer
from tests.support.keys import SECRET
from tests.support.servers import start_thread
from tests.support.upstream import Upstream, run_upstream

PATH = "/playground/activations"
OWNER, STRANGER = "key-of-the-owner-0123", "key-of-the-stranger-45"
TOKENS = PROMPT_IDS + [token for token, _, _ in GENERATED]
SUMMARY = {
    *("request_id", "created_at", "model_id", "prompt_chars", "output_tokens", "events_count", "actions_count"),
    *("activation_rows_count", "unique_features_count", "sae_enabled", "sae_id", "sae_layer", "duration_ms", "status"),
    *("error_message", "top_features_preview", "trace_request_id"),
}


@dataclass(frozen=True)
class Place:
    app: FastAPI
    client: Client
    sql: psycopg.Connection
    upstream: Upstream
    hf: HfServer
    url: str

    def ask(self, method: str, path: str, key: str | None = None, /, **body: Any) -> Answer:
        return send(self.client, method, PATH + path, key, **body)

    def run(self, key: str | None = None, /, **body: Any) -> Any:
        answer = self.ask("POST", "/run", key, **{"prompt": "Is it?", **body})
        assert answer.status == 200, answer.data
        return answer.json

    def read(self, path: str, key: str | None = None) -> Any:
        answer = self.ask("GET", path, key)
        assert answer.status == 200, answer.data
        return answer.json

    def forget_health(self) -> None:
        """Let the remembered outcome of the probes expire."""
        vars(self.app.state.context).pop("activation_probes", None)

    def fail(self, path: str, status: int, code: str, key: str | None = None) -> Any:
        return check_error(self.ask("GET", path, key), status, code)


def check_error(answer: Answer, status: int, code: str) -> Any:
    error = answer.json
    assert (answer.status, error["code"], error["status"], error["error_code"]) == (status, status, "error", code), (
        error
    )
    assert error["message"] == error["error"]
    return error


@pytest.fixture(scope="package")
def shared_place(databases: Databases) -> Iterator[Place]:
    url = databases.create("activations")
    hf = HfServer()
    with (
        run_upstream(**hf.scripts()) as upstream,
        start_thread(
            url,
            THUNDER_SECRET=SECRET,
            PLAYGROUND_ACTIVATIONS_HF_URL=upstream.url + "/",
            PLAYGROUND_SAE_URL=upstream.url,
            PLAYGROUND_KEYLESS="true",
            PLAYGROUND_SAE_IDS="another_sae, a third",
            PLAYGROUND_ADMIN_KEY="the-admin-key-of-model-servers",
        ) as server,
        psycopg.connect(databases.reach(url), autocommit=True) as sql,
    ):
        hf.post_to = server.client
        yield Place(server.app, server.client, sql, upstream, hf, url)
    databases.drop("activations")


@pytest.fixture
def place(shared_place: Place) -> Iterator[Place]:
    """The shared place without runs, traces and counted calls."""
    shared_place.sql.execute(
        "truncate table actions, step_logit_summaries, request_steps, requests, mod_blocks, mods cascade"
    )
    shared_place.sql.execute("truncate table call_counts")
    shared_place.upstream.scripts.update(shared_place.hf.scripts())
    shared_place.upstream.calls.clear()
    shared_place.forget_health()
    before = replace(shared_place.hf)
    yield shared_place
    vars(shared_place.hf).update(vars(before))


@pytest.fixture
def owner_key(place: Place) -> str:
    return make_key(place.client, name="owner", allowed_api_key=OWNER)["api_key"]


@pytest.fixture
def stranger_key(place: Place) -> str:
    return make_key(place.client, name="stranger", allowed_api_key=STRANGER)["api_key"]
