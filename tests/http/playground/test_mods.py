"""Mods of the playground over HTTP: generated from the form, and uploaded to a model server."""

import json
from typing import Any

import pytest

from tests.http.playground.conftest import MODEL_ADMIN_KEY, Playground
from tests.support.mod_sdk import Request, Tokenizer, load
from tests.support.upstream import Raw


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


def test_a_refused_admin_key_is_named(playground: Playground) -> None:
    playground.model.scripts["/add_user"] = Raw(b'{"detail": "no"}', 403)
    answer = playground.upload(playground.make_key())
    assert (answer.status, answer.json["message"].partition(":")[0]) == (502, "PLAYGROUND_ADMIN_KEY")
    assert playground.model.list_calls("/v1/mods") == []
