"""Calls to upstream servers over real sockets: redirects, limits, timeouts, and the removal of secrets from answers."""

import asyncio
import gzip
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from core.settings import Settings
from core.upstream import client as client_module
from core.upstream.client import MAX_BYTES, Upstreams
from core.upstream.errors import (
    BadResponseError,
    BusyError,
    NotConfiguredError,
    UnavailableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from core.upstream.server import Server, find_sae_server
from core.wire.parse_json import parse_json
from tests.support.upstream import Answer, Call, Cut, Hang, Huge, Raw, Upstream, run_upstream

SECRET = "the-admin-key-of-the-model-server"
USER_KEY = "ck_of_a_user"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with run_upstream() as server:
        yield server


def post(upstream: Upstream, path: str = "/run", *, timeout_s: float = 30, user_key: str | None = USER_KEY) -> Any:
    settings = Settings(
        playground_sae_url=upstream.url + "/",
        playground_admin_key=SECRET,
        playground_llama_8b_url="https://model.example.com",
        playground_qwen_14b_url="http://qwen:8000/base",
    )
    server = find_sae_server(settings)
    return asyncio.run(Upstreams(settings).post(server, path, {"a": 1}, timeout_s=timeout_s, user_key=user_key))


def redirect(status: int, location: str) -> Answer:
    return Raw(status=status, headers={"Location": location})


def test_a_call_sends_its_body_and_the_user_and_nothing_else(upstream: Upstream) -> None:
    upstream.scripts["/run"] = {"ok": True}
    assert post(upstream) == {"ok": True}
    (call,) = upstream.calls
    assert (call.method, call.body, call.headers["x-user-api-key"]) == ("POST", {"a": 1}, USER_KEY)
    sent = {"host", "user-agent", "accept", "accept-encoding", "content-type", "content-length", "x-user-api-key"}
    assert set(call.headers) == sent


def test_a_setting_without_a_url_is_named() -> None:
    with pytest.raises(NotConfiguredError, match=r"^PLAYGROUND_SAE_URL: not set") as caught:
        asyncio.run(Upstreams(Settings()).post(find_sae_server(Settings()), "/run", {}, timeout_s=1))
    assert (caught.value.status, caught.value.error_code) == (503, "HF_NOT_CONFIGURED")


@pytest.mark.parametrize(("status", "method"), [(303, "GET"), (302, "GET"), (307, "POST"), (308, "POST")])
def test_redirects_within_the_server_are_followed(upstream: Upstream, status: int, method: str) -> None:
    steps = iter([redirect(status, "/wait?call=1"), redirect(status, upstream.url + "/wait?call=2")])
    upstream.scripts["/run"] = lambda _: next(steps)
    upstream.scripts["/wait"] = lambda call: redirect(status, "/wait?call=2") if "1" in call.path else {"done": True}
    assert post(upstream) == {"done": True}
    last = upstream.calls[-1]
    assert (last.method, last.path, last.headers["x-user-api-key"]) == (method, "/wait?call=2", USER_KEY)
    assert last.body == ({"a": 1} if method == "POST" else None)
    assert ("content-type" in last.headers) == (method == "POST")


@pytest.mark.parametrize(
    "location",
    ["http://localhost:{port}/wait", "http://127.0.0.1:1/wait", "https://127.0.0.1:{port}/wait", "http://[::1]:{port}/",
     "//169.254.169.254/latest/meta-data", "file:///etc/passwd", "http://[", ""],
)  # fmt: skip
@pytest.mark.parametrize("status", [303, 307])
def test_redirects_to_other_servers_are_refused(upstream: Upstream, location: str, status: int) -> None:
    upstream.scripts["/run"] = redirect(status, location.format(port=upstream.port))
    upstream.scripts["/wait"] = {"secret": "of another server"}
    with pytest.raises(BadResponseError, match=r"redirects|too often"):
        post(upstream)
    assert upstream.list_calls("/wait") == []


def test_a_circle_of_redirects_ends(upstream: Upstream) -> None:
    upstream.scripts["/run"] = redirect(303, "/run")
    with pytest.raises(BadResponseError, match="redirects too often"):
        post(upstream)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Cut(), UnavailableError),
        (Raw(b'{"a": 1', length=100), UnavailableError),
        (Raw(b"<html>"), BadResponseError),
        (Raw(b""), BadResponseError),
        (Raw(b"[1]"), BadResponseError),
        (Raw(b'{"a": NaN}'), BadResponseError),
        (Raw(b'{"a": "\xff"}'), BadResponseError),
        (Raw(b'{"a":' * 5000 + b"1" + b"}" * 5000), BadResponseError),
        (Raw(gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"}), BadResponseError),
        (Raw(b'{"detail": "Traceback of /srv/secret"}', 400), BadResponseError),
        (Raw(b"Internal Server Error at 10.0.0.7", 500), BadResponseError),
        (Raw(b'{"ok": true}', 203 + 97), BadResponseError),
        (Raw(b'{"error": {"message": "out of memory at 10.0.0.7"}}'), BadResponseError),
        (Raw(b'{"ok": false, "reason": "secret"}'), BadResponseError),
        (Raw(b'{"detail": "secret"}'), BadResponseError),
    ],
)
def test_an_answer_that_is_not_a_json_object_or_reports_an_error_is_an_error(
    upstream: Upstream, answer: Answer, error: type[UpstreamError]
) -> None:
    upstream.scripts["/run"] = answer
    with pytest.raises(error) as caught:
        post(upstream)
    assert caught.value.status == 502
    for leaked in ("secret", "10.0.0.7", "Traceback", "127.0.0.1", str(upstream.port)):
        assert leaked not in str(caught.value)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    gone = Settings(playground_sae_url="http://127.0.0.1:1")
    with pytest.raises(UnavailableError):
        asyncio.run(Upstreams(gone).post(find_sae_server(gone), "/run", {}, timeout_s=5))


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_a_server_that_hangs_is_left_in_time(upstream: Upstream, begin: bytes) -> None:
    upstream.scripts["/run"] = Hang(begin)
    with pytest.raises(UpstreamTimeoutError, match=r"did not answer within 0.2 s"):
        post(upstream, timeout_s=0.2)


def test_no_more_than_the_limit_is_read(upstream: Upstream) -> None:
    upstream.scripts["/run"] = Huge()
    with pytest.raises(BadResponseError, match="more than"):
        post(upstream)
    assert upstream.sent_bytes < 8 * MAX_BYTES


@pytest.mark.parametrize("beginning", ["the-admin", "\\u0074he-admin"])
def test_secrets_and_addresses_are_removed_from_answers(upstream: Upstream, beginning: str) -> None:
    def tell(_: Call) -> Answer:
        places = [f"{SECRET} at {upstream.url}/v1", f"127.0.0.1:{upstream.port}", "model.example.com", "qwen:8000"]
        text = json.dumps({"echo": {f"key {SECRET}": places}, "half": "\ud83d", "words": "qwen on 127.0.0.1"})
        return Raw(text.replace("the-admin", beginning).encode())

    upstream.scripts["/run"] = tell
    shown = {"key …": ["… at …/v1", "…", "…", "…"]}
    assert post(upstream) == {"echo": shown, "half": "\ufffd", "words": "qwen on 127.0.0.1"}


def test_a_secret_of_digits_is_removed_from_texts_alone(upstream: Upstream) -> None:
    settings = Settings(
        playground_sae_url=upstream.url,
        playground_admin_key="12345678",
        thunder_secret="1234567890",
        thunder_admin_key="1",
    )
    upstream.scripts["/run"] = {"n": 12345678, "list": [912345678.5, "is 12345678, 1234567890", {"12345678": 1}]}
    answer = asyncio.run(Upstreams(settings).post(find_sae_server(settings), "/run", {}, timeout_s=30))
    assert answer == {"n": 12345678, "list": [912345678.5, "is …, …", {"…": 1}]}


@pytest.mark.parametrize(("size", "in_thread"), [(client_module.THREAD_BYTES // 2, False), (MAX_BYTES // 2, True)])
def test_a_large_answer_is_parsed_in_a_thread(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, size: int, *, in_thread: bool
) -> None:
    threads: list[threading.Thread] = []

    def parse(content: bytes) -> object:
        threads.append(threading.current_thread())
        return parse_json(content)

    monkeypatch.setattr(client_module, "parse_json", parse)
    upstream.scripts["/run"] = {"text": "x" * size}
    assert len(post(upstream)["text"]) == size
    assert [one is not threading.main_thread() for one in threads] == [in_thread]


@pytest.mark.parametrize("location", ["http://xn--", "http://[::1"])
def test_a_redirect_to_an_invalid_url_is_refused(upstream: Upstream, location: str) -> None:
    upstream.scripts["/run"] = redirect(307, location)
    with pytest.raises(BadResponseError, match="redirects to an invalid URL"):
        post(upstream)


@pytest.mark.parametrize("depth", [300, 900, 100_000])
def test_an_answer_that_is_nested_too_deeply_is_refused(upstream: Upstream, depth: int) -> None:
    upstream.scripts["/run"] = Raw(b'{"a": ' + b"[" * depth + b"]" * depth + b"}")
    with pytest.raises(BadResponseError):
        post(upstream)


def test_nothing_of_an_answer_is_logged(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpcore").setLevel(logging.INFO)  # as configure_logging does
    upstream.scripts["/run"] = {"text": "an answer"}
    post(upstream)
    upstream.scripts["/run"] = Cut()
    with pytest.raises(UnavailableError):
        post(upstream)
    for leaked in (str(upstream.port), "an answer", USER_KEY, "/run"):
        assert leaked not in caplog.text


def test_a_probe_needs_no_body(upstream: Upstream) -> None:
    settings = Settings(playground_sae_url=upstream.url)
    upstream.scripts["/health"] = Raw(b"fine", 204)
    asyncio.run(Upstreams(settings).probe(find_sae_server(settings), "/health", timeout_s=5))
    assert upstream.calls[0].method == "GET"
    with pytest.raises(BadResponseError):
        asyncio.run(Upstreams(settings).probe(find_sae_server(settings), "/absent", timeout_s=5))


def test_calls_wait_for_others_of_their_address(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "TURN_S", 0.05)
    settings = Settings(playground_sae_url=upstream.url)
    server: Server = find_sae_server(settings)
    upstream.scripts["/run"] = Hang()

    async def call_many() -> list[BaseException | dict[str, Any]]:
        upstreams = Upstreams(settings)
        calls = [upstreams.post(server, "/run", {}, timeout_s=1) for _ in range(client_module.PER_ADDRESS + 1)]
        return await asyncio.gather(*calls, return_exceptions=True)

    *first, last = asyncio.run(call_many())
    assert {type(one) for one in first} == {UpstreamTimeoutError}
    assert isinstance(last, BusyError)
    assert last.status == 503


def test_a_probe_needs_no_turn(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "TURN_S", 0.05)
    settings = Settings(playground_sae_url=upstream.url)
    server: Server = find_sae_server(settings)
    upstream.scripts |= {"/run": Hang(), "/health": {}}

    async def probe() -> None:
        upstreams = Upstreams(settings)
        calls = [
            asyncio.ensure_future(upstreams.post(server, "/run", {}, timeout_s=60))
            for _ in range(client_module.PER_ADDRESS)
        ]
        await asyncio.sleep(0)  # each takes its turn
        with pytest.raises(BusyError):
            await upstreams.post(server, "/run", {}, timeout_s=60)
        await upstreams.probe(server, "/health", timeout_s=30)
        for call in calls:
            assert call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(probe())
