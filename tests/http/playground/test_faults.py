"""Servers that hang or misbehave during calls of the playground."""

import threading
from typing import Any

import pytest

from core.playground import features, inference, mods
from core.upstream import deadline
from tests.http.playground.conftest import Playground
from tests.support.keys import ADMIN_KEY
from tests.support.receiver import wait_until
from tests.support.upstream import MIB, Call, Cut, Hang, Raw


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (features, inference, mods):
        monkeypatch.setattr(module, "TIMEOUT_S", 0.3)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_hangs_is_a_504(playground: Playground) -> None:
    key = playground.make_key()
    playground.script_all(Hang())
    answers = playground.call_servers(key)
    assert [answer.status for answer in answers] == [504] * 4
    chat = answers.pop(1)
    assert "look for the log in your feed later" in chat.json["message"]
    for answer in answers:
        assert answer.json["message"].endswith("did not answer within 0.3 s; try again later")


def test_a_slow_database_takes_from_the_time_of_the_server(
    playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, code = playground.make_key(), playground.generate()
    playground.script_all(Hang())
    monkeypatch.setattr(deadline, "TOTAL_S", 0.5)
    assert {answer.status for answer in playground.call_servers(key, code=code)} == {504}


def test_others_are_served_while_30_calls_of_an_address_are_running(playground: Playground) -> None:
    hanging, other = playground.make_key(), playground.make_key()
    going_on = threading.Event()

    def answer(call: Call) -> dict[str, Any]:
        if call.headers["x-user-api-key"] == hanging:
            going_on.wait()
        return {"id": "r"}

    playground.model.scripts["/v1/chat/completions"] = answer
    threads = [threading.Thread(target=playground.infer, args=(hanging,)) for _ in range(30)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(playground.model.calls) == 30)
        assert playground.infer(other).status == 200
        assert playground.logs(other) == []
    finally:
        going_on.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("route", ["mods/upload", "inference", "features/extract", "features/analyze"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"model": 7}', b" " * 2 * MIB], ids=["no", "cut", "list", "7", "long"]
)
def test_the_key_is_checked_before_the_body(playground: Playground, route: str, body: bytes) -> None:
    assert playground.client.post_bytes(f"/playground/{route}", body).status == 401
    assert playground.client.post_bytes(f"/playground/{route}", body, x_api_key="unknown").status == 401
    assert playground.client.post_bytes(f"/playground/{route}", body, x_api_key=ADMIN_KEY).status in (400, 403, 413)


@pytest.mark.parametrize("fault", [Cut(), Raw(b"<html>secret of the server"), Raw(b'{"detail": "secret"}', 400)])
def test_a_fault_upstream_is_a_502_without_its_text(playground: Playground, fault: Any) -> None:
    key, other = playground.make_key(), playground.make_key()
    playground.script_all(fault)
    for answer in playground.call_servers(key):
        assert answer.status == 502
        assert set(answer.json) == {"error", "message", "code"}
        assert b"secret" not in answer.data
        assert b"127.0.0.1" not in answer.data
    wrongs: list[Any] = [{}, {"analysis": 1, "top_features": []}, {"analysis": "a"}, {"feature_timeline": {}}]
    for wrong in wrongs:
        playground.script_all(wrong)
        assert playground.extract(key).status == 502
        assert playground.analyze(other).status == 502


def test_a_redirect_to_another_server_is_not_followed(playground: Playground) -> None:
    location = {"Location": f"{playground.sae.url}/analyze_features"}
    playground.model.scripts["/v1/chat/completions"] = Raw(status=307, headers=location)
    assert playground.infer(playground.make_key()).status == 502
    assert playground.sae.calls == []
