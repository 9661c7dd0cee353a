"""Servers that hang or misbehave during other calls, log entries of calls, and deletion of a key with its data."""

import json
import logging
import threading
from typing import Any

import psycopg
import pytest

from core.playground import features, inference, mods
from core.upstream import deadline
from tests.http.playground.conftest import MODEL_ADMIN_KEY, Playground
from tests.support.client import send
from tests.support.command import Command
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, label
from tests.support.receiver import wait_until
from tests.support.upstream import MIB, Call, Hang, Huge, Raw


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (features, inference, mods):
        monkeypatch.setattr(module, "TIMEOUT_S", 0.3)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_hangs_is_a_504(playground: Playground) -> None:
    key = playground.make_key()
    for server in (playground.model, playground.sae):
        server.scripts = dict.fromkeys(server.scripts, Hang())
    for answer in (playground.upload(key), playground.extract(key), playground.analyze(key)):
        assert answer.status == 504
        assert answer.json["message"].endswith("did not answer within 0.3 s; try again later")
    answer = playground.infer(key)
    assert answer.status == 504
    assert "look for the log in your feed later" in answer.json["message"]


def test_a_slow_database_takes_from_the_time_of_the_server(
    playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, code = playground.make_key(), playground.generate()
    for server in (playground.model, playground.sae):
        server.scripts = dict.fromkeys(server.scripts, Hang())
    monkeypatch.setattr(deadline, "TOTAL_S", 0.5)
    for answer in (playground.upload(key, code=code), playground.infer(key), playground.extract(key)):
        assert answer.status == 504
    assert playground.analyze(key).status == 504


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


def test_an_endless_answer_is_a_502(playground: Playground) -> None:
    playground.sae.sent_bytes = 0
    playground.sae.scripts["/extract_features"] = Huge()
    assert playground.extract(playground.make_key()).status == 502
    assert playground.sae.sent_bytes < 64 * MIB


@pytest.mark.parametrize("location", ["http://127.0.0.1:1/", "http://169.254.169.254/", "{sae}/analyze_features"])
def test_a_redirect_to_another_server_is_not_followed(playground: Playground, location: str) -> None:
    filled = location.format(sae=playground.sae.url)
    playground.model.scripts["/v1/chat/completions"] = Raw(status=307, headers={"Location": filled})
    assert playground.infer(playground.make_key()).status == 502
    assert playground.sae.calls == []


def test_modals_redirects_are_followed(playground: Playground) -> None:
    first = Raw(status=303, headers={"Location": f"{playground.model.url}/v1/chat/completions?call=1"})
    playground.model.scripts["/v1/chat/completions"] = lambda call: first if call.method == "POST" else {"id": "r"}
    assert playground.infer(playground.make_key()).json["request_id"] == "r"


def test_no_key_text_or_address_is_logged(playground: Playground, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    key = playground.make_key()
    playground.upload(key)
    playground.infer(key, messages=[{"role": "user", "content": "a private prompt"}])
    playground.model.scripts = dict.fromkeys(playground.model.scripts, Raw(b'{"detail": "a private reason"}', 500))
    playground.upload(key)
    playground.infer(key)
    ours = "\n".join(one.getMessage() for one in caplog.records)
    for secret in (key, MODEL_ADMIN_KEY, "private", playground.model.url, str(playground.model.port)):
        assert secret not in ours
    assert "answered 500" in ours


def test_an_admin_deletes_a_key_with_its_data(
    playground: Playground, manage: Command, database_url: str, sql: psycopg.Connection
) -> None:
    key, other = playground.make_key(), playground.make_key()
    for number, user in enumerate((key, key, other)):
        document = make_document(f"r{number}", request={"user_api_key": user, "mod_text": f"m/playground_mod@{user}"})
        assert playground.client.ingest(document, x_api_key=ADMIN_KEY).status == 201
    assert send(playground.client, "POST", "/collections", key, name="c").status == 201
    playground.infer(key)
    assert manage("delete", "--user-key", label(key), "--yes", on=database_url).exit_code == 0
    assert send(playground.client, "GET", "/auth/validate", key).status == 401
    assert playground.logs(other) == ["r2"]
    assert [row["key_prefix"] for row in send(playground.client, "GET", "/auth/keys", ADMIN_KEY).json["keys"]] == [
        other[:8]
    ]
    done = manage("verify-deletion", "r0", "--user-key", key, on=database_url)
    assert done.exit_code == 0, done.output
    assert key[:8] not in json.dumps(sql.execute("select api_keys::text from api_keys").fetchall())


def test_a_deletion_by_age_keeps_the_key(playground: Playground, manage: Command, database_url: str) -> None:
    key = playground.make_key()
    playground.client.ingest(make_document("r", request={"user_api_key": key}), x_api_key=ADMIN_KEY)
    assert manage("delete", "--user-key", key, "--older-than", "9d", "--yes", on=database_url).exit_code in (0, 3)
    assert playground.logs(key) == ["r"]


def test_keys_that_were_never_used_are_deleted_after_a_day(playground: Playground, sql: psycopg.Connection) -> None:
    unused, used = playground.make_key(), playground.make_key()
    assert playground.logs(used) == []
    sql.execute("update api_keys set created_at = now() - interval '25 hours'")
    fresh = playground.make_key()
    found = sql.execute("select key_prefix from api_keys order by id").fetchall()
    assert found == [(used[:8],), (fresh[:8],)]
    assert send(playground.client, "GET", "/auth/validate", unused).status == 401
