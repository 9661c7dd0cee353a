"""Runs whose server fails: nothing is stored in part, and errors have the codes of the contract and leak nothing."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from core.access.limits import WINDOW_S
from core.activations import health as health_module
from core.activations import run as run_module
from core.activations.requests import DEFAULT_SAE
from core.activations.run import LIMIT
from core.database import connection, pool
from core.upstream import client as client_module
from tests.activations.conftest import PATH, Place, check_error
from tests.support.client import send
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.receiver import wait_until
from tests.support.servers import server_thread
from tests.support.upstream import Call, Cut, Hang, Huge, Raw, Script

LEAK = "Traceback: secret-of-the-upstream at 10.1.2.3"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (Raw(f'{{"detail": "{LEAK}"}}'.encode(), 500), "HF_BAD_RESPONSE"),
        (Raw(LEAK.encode()), "HF_BAD_RESPONSE"),
        ({"output_text": "x"}, "HF_BAD_RESPONSE"),
        ({"output_text": None, "output_token_ids": [1]}, "HF_BAD_RESPONSE"),
        ({"output_text": "x", "output_token_ids": [1]}, "HF_BAD_RESPONSE"),
        ({"output_text": "x", "output_token_ids": [1], "feature_timeline": {}}, "HF_BAD_RESPONSE"),
        ({"error": LEAK}, "HF_BAD_RESPONSE"),
        ({"output_text": "x", "output_token_ids": [1, "2"]}, "HF_BAD_RESPONSE"),
        ({"output_text": "x", "output_token_ids": [2**64]}, "HF_BAD_RESPONSE"),
        (Raw(b'{"output_text": "x"', length=9999), "HF_UNAVAILABLE"),
        (Cut(), "HF_UNAVAILABLE"),
        (Huge(), "HF_BAD_RESPONSE"),
        (Raw(status=303, headers={"Location": "http://127.0.0.1:1/x"}), "HF_BAD_RESPONSE"),
    ],
    ids=repr,
)
def test_a_failed_run_is_an_index_row_alone(
    place: Place, caplog: pytest.LogCaptureFixture, script: Script, code: str
) -> None:
    check_failure(place, caplog, script, 502, code)


@pytest.mark.parametrize("begin", [b"", b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"'])
def test_a_run_on_a_hanging_server_fails_and_says_where_the_result_appears(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(run_module, "TIMEOUT_S", 0.5)
    message = check_failure(place, caplog, Hang(begin), 504, "HF_TIMEOUT")
    assert "look for the log in the feed later" in message


def check_failure(place: Place, caplog: pytest.LogCaptureFixture, script: Script, status: int, code: str) -> str:
    caplog.set_level(logging.DEBUG)
    place.upstream.scripts["/hf/generate"] = script
    answer = place.ask("POST", "/run", prompt="x", request_id="failed")
    error = check_error(answer, status, code)
    summary = place.read("/failed/summary")
    assert (summary["status"], summary["error_message"]) == ("error", error["message"])
    counts = ("output_tokens", "activation_rows_count", "unique_features_count", "duration_ms", "events_count")
    assert {summary[name] for name in counts} == {0}
    assert (summary["trace_request_id"], summary["top_features_preview"]) == (None, [])
    assert place.read("/failed/rows") == {"request_id": "failed", "row_count": 0, "rows": []}
    assert place.read("/failed/top-features") == {"request_id": "failed", "items": []}
    assert place.read("/failed/feature-deltas?feature_id=1")["rows"] == []
    assert place.read("/failed/features-by-confidence")["items"] == []
    assert place.sql.execute("select count(*) from activation_previews").fetchone() == (0,)
    for text in (answer.data.decode(), str(summary), caplog.text):
        assert "secret-of-the-upstream" not in text
        assert place.upstream.url not in text
        assert "the-admin-key-of-model-servers" not in text
    return error["message"]


def test_secrets_in_an_answer_are_removed(place: Place) -> None:
    place.hf.change = lambda answer: {**answer, "output_text": f"the-admin-key-of-model-servers {ADMIN_KEY} {SECRET}"}
    assert place.run()["output"]["text"] == "… … …"


@contextmanager
def waiting_server(place: Place) -> Iterator[None]:
    """Let the HF server answer runs at the end of the block, with 500."""
    ends = threading.Event()

    def answer(_: Call) -> Raw:
        ends.wait()
        return Raw(status=500)

    place.upstream.scripts["/hf/generate"] = answer
    try:
        yield
    finally:
        ends.set()


def test_other_callers_are_unaffected_by_a_hanging_server(place: Place) -> None:
    place.run(request_id="before")
    with ThreadPoolExecutor(6) as threads, waiting_server(place):
        hanging = [threads.submit(place.ask, "POST", "/run", prompt="x") for _ in range(6)]
        wait_until(lambda: len(place.upstream.list_calls("/hf/generate")) == 7)
        assert place.read("/before/summary")["status"] == "ok"
        assert place.client.request("GET", "/livez").status == 200
        assert not any(one.done() for one in hanging)
    assert {one.result().status for one in hanging} == {502}
    assert len(place.read("/runs?status=error")["items"]) == 6


def test_an_unset_server_is_named_and_stored_runs_can_be_read(databases: Databases) -> None:
    url = databases.create("activations_unset")
    with server_thread(url, THUNDER_SECRET=SECRET, PLAYGROUND_KEYLESS="true") as client:
        bodies: dict[str, Any] = {"/run": {"prompt": "x"}, "/extract": {"token_ids": [1]}}
        for path, body in bodies.items():
            error = check_error(send(client, "POST", PATH + path, **body), 503, "HF_NOT_CONFIGURED")
            assert error["message"].startswith("PLAYGROUND_ACTIVATIONS_HF_URL: not set")
        assert send(client, "GET", f"{PATH}/runs").json == {"items": [], "next_cursor": None}
        health = send(client, "GET", f"{PATH}/health").json
        assert (health["status"], health["index_db_reachable"]) == ("degraded", True)
        assert (health["hf_inference_reachable"], health["sae_reachable"]) == (False, False)
        assert health["last_error"].startswith("PLAYGROUND_ACTIVATIONS_HF_URL: not set")
    databases.drop("activations_unset")


def test_health_is_remembered_for_all_callers(place: Place) -> None:
    place.upstream.scripts["/health"] = Raw(b"not json at all", 201)
    healthy = {
        "status": "ok",
        "index_db_reachable": True,
        "hf_inference_reachable": True,
        "sae_reachable": True,
        "sae_service_reachable": True,
        "last_error": None,
    }
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(place.read, ["/health"] * 16)) == [healthy] * 16
    place.upstream.scripts["/health"] = Raw(LEAK.encode(), 500)
    assert place.read("/health") == healthy
    assert len(place.upstream.list_calls("/health")) == 2
    place.forget_health()
    degraded = place.read("/health")
    assert (degraded["status"], degraded["hf_inference_reachable"]) == ("degraded", False)
    assert degraded["last_error"] == "HF server: answered 500; check the request and the server"


def test_health_answers_while_all_calls_are_running(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    context = vars(place.app.state.context)
    for name, value in {"AT_ONCE": 1, "PER_ADDRESS": 1, "TURN_S": 0.05}.items():
        monkeypatch.setattr(client_module, name, value)
    context.pop("upstreams", None)
    try:
        with ThreadPoolExecutor(1) as threads, waiting_server(place):
            running = threads.submit(place.ask, "POST", "/run", prompt="x")
            wait_until(lambda: place.upstream.list_calls("/hf/generate") != [])
            refused = place.ask("POST", "/run", prompt="x")
            check_error(refused, 503, "UNAVAILABLE")
            assert refused.headers["Retry-After"]
            assert place.read("/health")["status"] == "ok"
            assert not running.done()
    finally:
        del context["upstreams"]


def test_health_expires(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert health_module.REMEMBERED_S == 30
    monkeypatch.setattr(health_module, "REMEMBERED_S", -1.0)
    assert place.read("/health")["status"] == "ok"
    place.upstream.scripts["/health"] = Hang()
    monkeypatch.setattr(health_module, "TIMEOUT_S", 0.2)
    degraded = place.read("/health")
    assert (degraded["status"], degraded["sae_service_reachable"]) == ("degraded", False)
    assert "did not answer" in degraded["last_error"]


def test_health_without_a_database_is_degraded_and_wakes_no_server(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_module, "TIMEOUT_S", 0.5)
    for module in (connection, pool):
        monkeypatch.setattr(module, "CHECKOUT_TIMEOUT_S", 1)
    with server_thread(
        "postgresql://nobody@127.0.0.1:1/none",
        THUNDER_SECRET=SECRET,
        PLAYGROUND_KEYLESS="true",
        PLAYGROUND_ACTIVATIONS_HF_URL=place.upstream.url,
    ) as client:
        answer = send(client, "GET", f"{PATH}/health")
        assert (answer.status, answer.json["status"], answer.json["index_db_reachable"]) == (200, "degraded", False)
        assert answer.json["last_error"]
        check_error(send(client, "GET", f"{PATH}/runs"), 503, "DB_READ_FAILED")
        check_error(send(client, "POST", f"{PATH}/run", prompt="x"), 503, "DB_READ_FAILED")
        assert place.upstream.calls == []


def test_an_ignored_layer_and_an_empty_autoencoder_are_accepted(place: Place) -> None:
    ran = place.run(sae_id="", request_id="plain")
    assert ran["run_summary"]["sae_id"] == DEFAULT_SAE
    for path in ("rows", "top-features", "feature-deltas?feature_id=1"):
        assert place.read(f"/plain/{path}{'&' if '?' in path else '?'}sae_layer=abc")
    assert place.ask("POST", "/extract", token_ids=[1], sae_id="").status == 200
    assert "sae_id" not in place.upstream.list_calls("/hf/extract")[-1].body


def test_calls_are_limited_per_address(place: Place) -> None:
    address = LIMIT.per_address
    place.upstream.scripts["/hf/generate"] = Raw(status=500)
    statuses = [place.ask("POST", "/run", prompt="x").status for _ in range(address + 1)]
    assert statuses == [502] * address + [429]
    error = check_error(place.ask("POST", "/run", prompt="x"), 429, "RATE_LIMITED")
    assert str(WINDOW_S) in error["message"]
    assert 30 <= LIMIT.per_key < 100
    assert 30 <= address < 100
    assert place.ask("POST", "/extract", token_ids=[1]).status == 200  # counted on its own
    assert place.ask("GET", "/runs").status == 200
