"""Keys of the playground: what they see, which keys may be used, their limits, revocation and deletion."""

import json
from typing import Any

import psycopg

from tests.http.playground.conftest import Playground
from tests.support.client import make_key, send
from tests.support.command import Command
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, label


def test_a_new_key_sees_exactly_the_requests_that_it_is_the_user_of(playground: Playground) -> None:
    answer = playground.post("api-key")
    key = answer.json["api_key"]
    assert set(answer.json) == {"api_key", "message"}
    assert len(key) == 67
    assert key.startswith("ck_")
    validation = send(playground.client, "GET", "/auth/validate/", key)
    assert validation.status == 200
    assert validation.json["name"] == f"playground_{key[:8]}"
    assert validation.json["is_admin"] is False
    assert playground.logs(key) == []
    document = make_document("mine", request={"user_api_key": key, "active_mod_name": f"playground_mod@{key}"})
    for one in (document, make_document("other", request={"user_api_key": "someone"}), make_document("nobody")):
        assert playground.client.ingest(one, x_api_key=ADMIN_KEY).status == 201
    assert playground.logs(key) == ["mine"]
    log = send(playground.client, "GET", "/logs/mine", key)
    assert log.json["active_mod"]["name"] == "playground_mod"
    assert key.encode() not in log.data
    assert send(playground.client, "GET", "/logs/other", key).status == 404


def test_a_session_id_is_the_name(playground: Playground) -> None:
    for given, name in (("ann", "ann"), ("  ", None), (None, None), ("\0x", "\ufffdx")):
        key = playground.post("api-key", session_id=given).json["api_key"]
        expected = name or f"playground_{key[:8]}"
        assert send(playground.client, "GET", "/auth/me", key).json["name"] == expected
    assert playground.post("api-key", session_id="x" * 201).status == 400
    assert playground.post("api-key", session_id=7).status == 400


def test_a_key_as_session_id_is_not_stored(playground: Playground, sql: Any) -> None:
    first = playground.make_key()
    playground.post("api-key", session_id=first)
    assert first not in str(sql.execute("select api_keys::text from api_keys").fetchall())


def test_keys_that_are_not_their_own_user_are_refused(playground: Playground) -> None:
    client = playground.client
    own = make_key(client, name="bound", allowed_api_key="someone")
    keys = {"admin": ADMIN_KEY, "other admin": make_key(client, name="a", is_admin=True)["api_key"],
            "ingest": make_key(client, name="i", scopes=["ingest"])["api_key"],
            "both": make_key(client, name="b", scopes=["ingest", "read", "curate"])["api_key"],
            "bound": own["api_key"], "unbound": make_key(client, name="u")["api_key"]}  # fmt: skip
    code = playground.generate()
    for name, key in keys.items():
        assert {answer.status for answer in playground.call_servers(key, code=code)} == {403}, name
    for key in (None, "unknown", "ck_" + "0" * 64, ".."):
        for route in ("mods/upload", "inference", "features/extract", "features/analyze"):
            body = {"model": "llama-3.1-8b", "code": "", "mod_name": "x", "messages": [{"role": "u", "content": ""}]}
            assert playground.post(route, key, **body, tokens=[1], feature_timeline=[]).status == 401
    assert playground.model.calls == playground.sae.calls == []


def test_a_user_key_of_a_trace_may_be_used_unless_a_folder_can_not_have_its_name(playground: Playground) -> None:
    for number, (user, status) in enumerate({"someone": 200, "..": 403, "a/../b": 403, "a b": 403, ".x": 403}.items()):
        document = make_document(f"r{number}", request={"user_api_key": user})
        assert playground.client.ingest(document, x_api_key=ADMIN_KEY).status == 201
        assert playground.infer(user).status == status
    assert [call.headers["x-user-api-key"] for call in playground.model.calls] == ["someone"]


def test_a_trailing_slash_and_foreign_origins_are_accepted(playground: Playground) -> None:
    answer = playground.client.post_bytes("/playground/api-key/", b"{}", origin="https://ui.example")
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    answer = playground.client.post_bytes("/playground/inference", b"{}", origin="https://ui.example")
    assert answer.status in (400, 401)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_calls_are_limited_per_key_and_per_address(playground: Playground) -> None:
    key, other = playground.make_key(), playground.make_key()
    assert [playground.analyze(key).status for _ in range(6)] == [200] * 5 + [429]
    assert playground.analyze(other).status == 200
    statuses = [playground.infer(key).status for _ in range(45)]
    assert statuses == [200] * 40 + [429] * 5
    statuses = [playground.infer(other).status for _ in range(25)]
    assert statuses == [200] * 20 + [429] * 5  # of the address
    answer = playground.infer(other)
    assert answer.headers["Retry-After"] == "60"


def test_new_keys_are_limited_per_address(playground: Playground) -> None:
    statuses = [playground.post("api-key").status for _ in range(65)]
    assert 30 <= statuses.count(200) < 65
    assert set(statuses[statuses.count(200) :]) == {429}


def test_admins_list_and_revoke_keys(playground: Playground) -> None:
    key = playground.make_key()
    admins = make_key(playground.client, name="mine")
    first, second = send(playground.client, "GET", "/auth/keys", ADMIN_KEY).json["keys"]
    assert (first["id"], first["is_playground"]) == (admins["id"], False)
    assert (second["key_prefix"], second["is_playground"]) == (key[:8], True)
    assert second["allowed_api_key"] == label(key)
    assert second["expires_at"] is None
    assert send(playground.client, "DELETE", "/auth/keys", ADMIN_KEY, id=second["id"]).status == 200
    assert send(playground.client, "GET", "/auth/validate", key).status == 401
    assert playground.infer(key).status == 401


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
    revoked, unused, used = (playground.make_key() for _ in range(3))
    document = make_document("r", request={"user_api_key": revoked})
    assert playground.client.ingest(document, x_api_key=ADMIN_KEY).status == 201
    number = next(iter(sql.execute("select min(id) from api_keys").fetchall()))[0]
    assert send(playground.client, "DELETE", "/auth/keys", ADMIN_KEY, id=number).status == 200
    assert playground.logs(used) == []
    sql.execute("update api_keys set created_at = now() - interval '25 hours'")
    fresh = playground.make_key()
    found = sql.execute("select key_prefix from api_keys order by id").fetchall()
    assert found == [(key[:8],) for key in (revoked, used, fresh)]
    for key in (unused, revoked):
        assert send(playground.client, "GET", "/auth/validate", key).status == 401
