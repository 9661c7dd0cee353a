"""The playground's routes, field by field: the answers to callers, and the requests to upstream servers."""

import json
from typing import Any

import pytest

from tests.http.playground.conftest import MODEL_ADMIN_KEY, TIMELINE, Playground
from tests.support.client import make_key, send
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, label
from tests.support.mod_sdk import Request, Tokenizer, load
from tests.support.upstream import Cut, Raw

FEATURES = {"model": "llama-3.1-8b"}


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


def test_a_mod_is_generated_from_the_form(playground: Playground) -> None:
    config = {"injection_string": "[I]", "position": "after_tokens", "token_count": 2, "detect_phrases": None}
    answer = playground.post("mods/generate", config=config)
    assert set(answer.json) == {"code", "mod_name"}
    assert answer.json["mod_name"] == "playground_mod"
    tokenizer = Tokenizer()
    request = Request(load(answer.json["code"]), tokenizer, [[tokenizer.add(one)] for one in (b"a", b"b", b"c")])
    assert request.run() == "ab[I]c"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"position": "start", "injection_string": ""}, "config.injection_string"),
        ({"position": "start", "injection_string": None}, "config.injection_string"),
        ({"position": "start"}, "config.injection_string"),
        ({"position": "after_tokens", "injection_string": "x"}, "config.token_count"),
        ({"position": "after_tokens", "injection_string": "x", "token_count": None}, "config.token_count"),
        ({"position": "reasoning_mid", "injection_string": "x", "token_count": 0}, "config.token_count"),
        ({"position": "response_mid", "injection_string": "x", "token_count": -1}, "config.token_count"),
        ({"position": "after_sentences", "injection_string": "x", "token_count": 5}, "config.sentence_count"),
        ({"position": "phrase_replace"}, "config.detect_phrases"),
        ({"position": "phrase_replace", "detect_phrases": []}, "config.detect_phrases"),
        ({"position": "response_phrase_replace", "detect_phrases": ["", None]}, "config.detect_phrases"),
        ({"position": "phrase_replace", "detect_phrases": ["a\0"]}, "config.detect_phrases[0]"),
        ({"position": "start", "injection_string": "a\0"}, "config.injection_string"),
        ({"position": "start", "injection_string": "\ud800"}, "config.injection_string"),
        ({"position": "start", "injection_string": "x" * 10_001}, "config.injection_string"),
        ({"position": "nowhere", "injection_string": "x"}, "config.position"),
        ({"injection_string": "x"}, "config.position"),
        (None, "config"),
    ],
)
def test_a_form_without_what_its_position_needs_is_refused(
    playground: Playground, config: dict[str, Any] | None, field: str
) -> None:
    answer = playground.client.post_bytes("/playground/mods/generate", json.dumps({"config": config}).encode())
    assert answer.status == 400
    assert answer.json["message"].startswith(f"{field}: ")
    assert set(answer.json) == {"error", "message", "code"}


def test_fields_of_other_positions_are_ignored(playground: Playground) -> None:
    others = {"token_count": 0, "sentence_count": -3, "detect_phrases": [""], "replacement_phrases": None}
    assert playground.generate(**others)
    phrases = {"position": "phrase_replace", "injection_string": "", "detect_phrases": ["a"]}
    assert playground.generate(**phrases, token_count=None)


def test_an_upload_registers_the_user_and_sends_the_code(playground: Playground) -> None:
    key, code = playground.make_key(), playground.generate()
    answer = playground.upload(key, code=code)
    assert answer.status == 200
    assert answer.json["success"] is True
    assert answer.json["mod_name"] == "playground_mod"
    assert isinstance(answer.json["message"], str)
    first, second = playground.model.calls
    assert (first.path, first.body) == ("/add_user", {"user_api_key": key, "admin_key": MODEL_ADMIN_KEY})
    assert "x-user-api-key" not in first.headers
    assert (second.path, second.headers["x-user-api-key"]) == ("/v1/mods", key)
    assert second.body == {
        "name": "playground_mod",
        "language": "python",
        "module": "client_mod",
        "entrypoint": "playground_mod",
        "source": code,
        "user_api_key": key,
    }


@pytest.mark.parametrize("name", ["../x", "a/b", "", "1a", "a b", "a\n", "é", "class", "x" * 65, None, 7])
def test_the_name_of_a_mod_is_an_identifier(playground: Playground, name: Any) -> None:
    key = playground.make_key()
    answer = playground.upload(key, mod_name=name)
    assert answer.status == 400
    assert answer.json["message"].startswith("mod_name: ")
    if name is not None:
        assert playground.infer(key, mod_name=name).status == 400
    assert playground.model.calls == []


def test_only_generated_code_is_uploaded(playground: Playground) -> None:
    key, code = playground.make_key(), playground.generate()
    body, _, mac = code.rpartition("# thunder ")
    changed = ["", "import os", body, code.replace("hi", "ho"), f"{code}import os\n"]
    changed += [f"{body}# thunder {end}" for end in ("", "0" * 64, "é")]
    changed.append(f"{body}import os\n# thunder {mac}")
    for one in changed:
        answer = playground.upload(key, code=one)
        assert answer.status == 400, one
        assert answer.json["message"].startswith("code: ")
    assert playground.model.calls == []
    assert playground.upload(key, code=code).status == 200
    assert playground.upload(playground.make_key(), code=code).status == 200


def test_an_inference_answers_text_and_the_id_of_its_log(playground: Playground) -> None:
    key = playground.make_key()
    messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi 😀"}]
    answer = playground.infer(key, messages=messages, max_tokens=256, temperature=0.7, mod_name="playground_mod")
    assert answer.status == 200
    assert answer.json["text"] == "to Hi 😀"
    assert answer.json["request_id"] == "r1"
    assert answer.json["raw_response"]["object"] == "chat.completion"
    (call,) = playground.model.calls
    assert call.headers["x-user-api-key"] == key
    assert not {"authorization", "x-api-key", "cookie"} & set(call.headers)
    assert call.body == {
        "model": "modularai/Llama-3.1-8B-Instruct-GGUF/playground_mod",
        "messages": messages,
        "user_api_key": key,
        "max_tokens": 256,
        "temperature": 0.7,
    }


def test_absent_and_null_fields_are_not_sent(playground: Playground) -> None:
    key = playground.make_key()
    nulls: dict[str, Any] = {"mod_name": None, "max_tokens": None, "temperature": None, "extract_features": None}
    given: list[dict[str, Any]] = [{}, nulls, {"extract_features": True}]
    for fields in given:
        assert playground.infer(key, model="qwen-14b", **fields).status == 200
        call = playground.model.calls[-1]
        assert set(call.body) == {"model", "messages", "user_api_key"}
        assert call.body["model"] == "Qwen/Qwen3-14B-GGUF"


@pytest.mark.parametrize(
    ("response", "text", "request_id"),
    [
        ({}, "", None),
        ({"choices": []}, "", None),
        ({"choices": [{"message": {"content": None, "tool_calls": []}}], "id": 5}, "", None),
        ({"choices": "x", "id": ""}, "", None),
        ({"choices": [{"message": {"content": "a"}}], "id": "chatcmpl-x", "request_id": "y"}, "a", "y"),
        ({"id": "chatcmpl-x", "request_id": None, "x_request_id": 4, "concordance_request_id": "z"}, "", "z"),
        ({"id": "plain"}, "", "plain"),
        ({"id": "chatcmpl-"}, "", None),
    ],
)
def test_text_and_id_of_unusual_responses(
    playground: Playground, response: dict[str, Any], text: str, request_id: str | None
) -> None:
    playground.model.scripts["/v1/chat/completions"] = response
    answer = playground.infer(playground.make_key())
    assert answer.json == {"text": text, "request_id": request_id, "raw_response": response}


def test_no_secret_or_address_is_in_a_response(playground: Playground) -> None:
    model = playground.model
    model.scripts["/v1/chat/completions"] = {"id": "a", "system": [MODEL_ADMIN_KEY, f"{model.url}/v1"]}
    assert playground.infer(playground.make_key()).json["raw_response"]["system"] == ["…", "…/v1"]


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "llama-3.1-70b"},
        {"model": None},
        {"messages": []},
        {"messages": None},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "", "content": "x"}]},
        {"messages": [{"role": "user", "content": "x"}] * 101},
        {"max_tokens": 0},
        {"max_tokens": 1.5},
        {"max_tokens": 8193},
        {"temperature": -1},
        {"temperature": 3},
        {"temperature": "hot"},
    ],
)
def test_a_chat_that_is_not_valid_is_refused(playground: Playground, fields: dict[str, Any]) -> None:
    answer = playground.infer(playground.make_key(), **fields)
    assert answer.status == 400
    assert answer.json["message"].startswith(next(iter(fields)))
    assert playground.model.calls == []


def test_features_are_extracted(playground: Playground) -> None:
    key = playground.make_key()
    entry = {"position": 1, "token": 6, "token_str": "b"}
    features = [{"id": 1, "activation": 1}, {"id": 2, "activation": 2.5, "more": 1}, {"id": 3}, {"activation": 1}, None]
    broken: list[Any] = [{**TIMELINE[0], name: None} for name in TIMELINE[0]] + [
        {},
        None,
        {**TIMELINE[0], "position": True},
    ]
    whole = {**entry, "top_features": [{"id": 2, "activation": 2.5}, {"id": 1, "activation": 1}]}
    given = {**entry, "top_features": features, "x": 1}
    playground.sae.scripts["/extract_features"] = {
        "feature_timeline": [TIMELINE[0], *broken, given],
        "comparisons": [
            {"position": 1, "before": TIMELINE[0], "injection": given, "after": None},
            {"position": 2, "injection": None},
            {"injection": given},
            7,
        ],
        "trace": "/srv",
    }
    answer = playground.extract(key, top_k=20, layer=16, injection_positions=[1])
    assert answer.status == 200
    comparison = {"position": 1, "before": TIMELINE[0], "injection": whole}
    assert answer.json == {"feature_timeline": [TIMELINE[0], whole], "comparisons": [comparison]}
    (call,) = playground.sae.calls
    assert call.body == {"tokens": [5, 6], "top_k": 20, "layer": 16, "injection_positions": [1]}
    assert "x-user-api-key" not in call.headers


def test_absent_fields_of_features_are_not_sent(playground: Playground) -> None:
    key = playground.make_key()
    assert playground.extract(key, top_k=None, layer=None, injection_positions=None).json == {
        "feature_timeline": TIMELINE
    }
    assert playground.sae.calls[-1].body == {"tokens": [5, 6]}
    assert playground.analyze(key, layer=None, context=None, injection_positions=None).status == 200
    assert playground.sae.calls[-1].body == {"feature_timeline": TIMELINE}


def test_features_are_analyzed(playground: Playground) -> None:
    feature: dict[str, Any] = {"id": 7, "activation": 1.5, "description": "letters"}
    playground.sae.scripts["/analyze_features"] = {
        "analysis": "It is about a.",
        "top_features": [{**feature, "x": 1}, {**feature, "description": None}, {"id": 1, "description": "x"}],
    }
    answer = playground.analyze(playground.make_key(), layer=16, context="A log. 😀", injection_positions=[0])
    assert answer.json == {"analysis": "It is about a.", "top_features": [feature]}
    (call,) = playground.sae.calls
    expected = {"feature_timeline": TIMELINE, "layer": 16, "context": "A log. 😀", "injection_positions": [0]}
    assert call.body == expected


def test_a_long_timeline_is_analyzed(playground: Playground) -> None:
    features = [{"id": 10_000 + number, "activation": number / 7} for number in range(20)]
    timeline = [{"position": n, "token": n, "token_str": "a", "top_features": features} for n in range(1500)]
    assert playground.analyze(playground.make_key(), feature_timeline=timeline).status == 200
    assert len(playground.sae.calls[0].body["feature_timeline"]) == 1500


@pytest.mark.parametrize(
    ("route", "fields"),
    [
        ("extract", {"model": "qwen-14b"}),
        ("analyze", {"model": "qwen-14b"}),
        ("extract", {"tokens": []}),
        ("extract", {"tokens": [-1]}),
        ("extract", {"tokens": [0] * 4097}),
        ("extract", {"tokens": ["1"]}),
        ("extract", {"top_k": 0}),
        ("extract", {"top_k": 201}),
        ("extract", {"layer": -1}),
        ("analyze", {"layer": 256}),
        ("extract", {"injection_positions": [1.5]}),
        ("analyze", {"feature_timeline": []}),
        ("analyze", {"feature_timeline": [{"position": 1}]}),
        ("analyze", {"feature_timeline": "x"}),
        ("analyze", {"context": 5}),
    ],
)
def test_features_that_are_not_valid_are_refused(playground: Playground, route: str, fields: dict[str, Any]) -> None:
    call = playground.extract if route == "extract" else playground.analyze
    answer = call(playground.make_key(), **fields)
    assert answer.status == 400
    assert answer.json["message"].startswith(next(iter(fields)))
    assert playground.sae.calls == []


@pytest.mark.parametrize("fault", [Cut(), Raw(b"<html>secret of the server"), Raw(b'{"detail": "secret"}', 400)])
def test_a_fault_upstream_is_a_502_without_its_text(playground: Playground, fault: Any) -> None:
    key, other = playground.make_key(), playground.make_key()
    playground.sae.scripts = dict.fromkeys(playground.sae.scripts, fault)
    playground.model.scripts = dict.fromkeys(playground.model.scripts, fault)
    for answer in (playground.upload(key), playground.infer(key), playground.extract(key), playground.analyze(key)):
        assert answer.status == 502
        assert set(answer.json) == {"error", "message", "code"}
        assert b"secret" not in answer.data
        assert b"127.0.0.1" not in answer.data
    wrongs: list[Any] = [{}, {"analysis": 1, "top_features": []}, {"analysis": "a"}, {"feature_timeline": {}}]
    for wrong in wrongs:
        playground.sae.scripts = dict.fromkeys(playground.sae.scripts, wrong)
        assert playground.extract(key).status == 502
        assert playground.analyze(other).status == 502


def test_a_refused_admin_key_is_named(playground: Playground) -> None:
    playground.model.scripts["/add_user"] = Raw(b'{"detail": "no"}', 403)
    answer = playground.upload(playground.make_key())
    assert (answer.status, answer.json["message"].partition(":")[0]) == (502, "PLAYGROUND_ADMIN_KEY")
    assert playground.model.list_calls("/v1/mods") == []


def test_keys_that_are_not_their_own_user_are_refused(playground: Playground) -> None:
    client = playground.client
    own = make_key(client, name="bound", allowed_api_key="someone")
    keys = {"admin": ADMIN_KEY, "other admin": make_key(client, name="a", is_admin=True)["api_key"],
            "ingest": make_key(client, name="i", scopes=["ingest"])["api_key"],
            "both": make_key(client, name="b", scopes=["ingest", "read", "curate"])["api_key"],
            "bound": own["api_key"], "unbound": make_key(client, name="u")["api_key"]}  # fmt: skip
    code = playground.generate()
    for name, key in keys.items():
        for answer in (
            playground.upload(key, code=code),
            playground.infer(key),
            playground.extract(key),
            playground.analyze(key),
        ):
            assert answer.status == 403, name
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
