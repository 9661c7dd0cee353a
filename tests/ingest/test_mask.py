"""User API keys are removed from a document before it is stored."""

import json
import subprocess
import sys
from typing import Any

import pytest

from core.document.mask import mask_document
from core.document.parse import parse_document
from core.errors import InvalidInputError
from tests.support.masking import HASHER, LONG, SHORT, SPECIAL, hide, mask


def trace(key: str, **parts: Any) -> dict[str, Any]:
    return {"request": {"request_id": "r", "user_api_key": key, **parts.pop("request", {})}, **parts}


@pytest.mark.parametrize("key", [SHORT, LONG, "kéy", 'quo"te\\', "k\ud800"])
def test_the_key_is_removed_from_each_field_of_the_engine(key: str) -> None:
    document = trace(
        key,
        request={"active_mod_name": f"nudge@{key}", "mod_text": f"org/model/nudge@{key}", "user_prompt": "who is it?"},
        events=[{"event_type": "Prefilled", "step": 0, "sequence_order": 1}],
        mod_calls=[{"event_sequence_order": 1, "mod_name": f"nudge@{key}", "event_type": "Prefilled", "step": 0}],
        extra={"created_by": key, "added_by": key, "deep": [{"user_api_key": key}]},
    )
    masked = json.loads(mask(document))
    assert key not in json.dumps(masked, ensure_ascii=False)
    assert masked["request"]["active_mod_name"] == f"nudge@{hide(key)}"
    assert masked["mod_calls"][0]["mod_name"] == f"nudge@{hide(key)}"
    assert masked["extra"]["deep"] == [{"user_api_key": hide(key)}]
    assert masked["request"]["user_prompt"] == "who is it?"


def test_a_long_key_is_removed_from_any_text_and_a_word_is_kept() -> None:
    text = {"final_text": f"{LONG} and {SHORT}"}
    assert json.loads(mask(trace(LONG, request=text)))["request"]["final_text"] == f"{hide(LONG)} and {SHORT}"
    assert json.loads(mask(trace(SHORT, request=text)))["request"]["final_text"] == f"{LONG} and {SHORT}"
    assert json.loads(mask(trace(LONG, note=f"x{LONG}y")))["note"] == f"x{hide(LONG)}y"


def test_a_key_that_occurs_only_in_a_mod_name_is_removed() -> None:
    document = {"request": {"request_id": "r", "active_mod_name": "nudge@secret", "mod_text": "a/b/nudge@secret"}}
    assert b"secret" not in mask(document)
    source = "from sdk import mod\n\n@mod\ndef nudge(): ..."
    document["request"]["mod_text"] = source
    assert json.loads(mask(document))["request"]["mod_text"] == source


def test_another_name_with_the_same_start_is_kept() -> None:
    masked = json.loads(mask(trace(SHORT, note="mod@bobby mod@bob-2 mod@bob, mod@bob")))
    assert masked["note"] == f"mod@bobby mod@bob-2 mod@{hide(SHORT)}, mod@{hide(SHORT)}"


def test_escapes_do_not_hide_a_key() -> None:
    disguised = "".join(f"\\u{ord(letter):04x}" for letter in LONG)
    body = f'{{"request": {{"request_id": "r", "user_api_key": "{LONG}"}}, "note": "{disguised}"}}'.encode()
    assert json.loads(mask(body))["note"] == hide(LONG)


def test_a_second_request_object_does_not_hide_a_key() -> None:
    body = b'{"request": {"request_id": "a"}, "request": {"request_id": "r", "user_api_key": "bob", "n": 1}}'
    assert b"bob" not in mask(body)


def test_the_rest_of_the_document_is_kept_byte_for_byte() -> None:
    rest = b', "events" : [ ] ,"n":1.10, "big":123456789012345678901234567890,"e":1E5,"u":"\\u00e9"}  '
    body = b'  {"request" : {"request_id":"r","user_api_key":"bob","t":0.70,"e":-1e-999}' + rest
    masked = mask(body)
    assert masked.endswith(rest)
    assert b'"t":0.70,"e":-1e-999' in masked


def test_without_a_key_nothing_changes() -> None:
    body = b'{"request":{"request_id":"r", "t" : 1.0}, "x": [1 ,2]}'
    assert mask(body) == body


def test_an_id_that_is_the_key_is_rejected() -> None:
    document = {"request": {"request_id": "bob", "user_api_key": "bob"}}
    with pytest.raises(InvalidInputError, match="an id can't contain a user API key"):
        mask(document)


def test_many_at_signs_take_linear_time() -> None:
    document = {"request": {"request_id": "r", "mod_text": "a@" * 200_000 + " ", "active_mod_name": "a@" * 200}}
    assert mask(document)


def test_a_document_may_name_only_a_few_keys() -> None:
    names = [{"created_by": f"user-{number}"} for number in range(51)]
    with pytest.raises(InvalidInputError, match="has 51 user API keys; at most 50 are allowed"):
        mask({"request": {"request_id": "r"}, "extra": names})
    assert b"user-7" not in mask({"request": {"request_id": "r"}, "extra": names[:50]})


def test_a_key_may_be_an_email_address() -> None:
    document = {"request": {"request_id": "r", "active_mod_name": "nudge@ann@host", "mod_text": "a/b/nudge@ann@host"}}
    assert json.loads(mask(document))["request"]["active_mod_name"] == f"nudge@{hide('ann@host')}"
    assert b"ann" not in mask(document)


def test_a_document_in_which_a_key_could_hide_keeps_all_but_its_keys() -> None:
    rest = rb', "a" : [1.10, 1E5, "\/", {"n" : "caf\u00e9" }] , "created_by": "a\/b", "x": "a/b", "y":"see mod@a/b."}'
    body = b'{"request": {"request_id":"r", "user_api_key" : "a/b" }' + rest
    kept = rest.replace(b'"created_by": "a\\/b"', b'"created_by": "<3>"').replace(b"mod@a/b", b"mod@<3>")
    assert mask(body) == b'{"request": {"request_id":"r", "user_api_key" : "<3>" }' + kept


def test_a_key_that_occurs_only_in_a_forced_token_is_removed() -> None:
    event = {"event_type": "Added", "step": 0, "sequence_order": 1, "added_tokens": [1], "forced_by": "nudge@secret"}
    assert b"secret" not in mask({"request": {"request_id": "r"}, "events": [event]})


def test_one_letter_named_a_million_times_is_rejected() -> None:
    body = b'{"request":{"request_id":"r","user_api_key":"k"},"x":"' + b"@k " * 6_000_000 + b'"}'
    document = parse_document(body)
    with pytest.raises(InvalidInputError, match="too often"):
        mask_document(body, document, HASHER.label_user_key)


def test_many_keys_are_counted_before_they_are_labelled() -> None:
    labelled: list[str] = []
    body = json.dumps({"request": {"request_id": "r"}, "x": [{"created_by": f"key {i}"} for i in range(51)]}).encode()
    with pytest.raises(InvalidInputError, match="51 user API keys"):
        mask_document(body, parse_document(body), lambda key: labelled.append(key) or key)
    assert not labelled


def test_a_long_text_is_searched_in_bounded_memory() -> None:
    # The stack of the matcher is not a Python object, so only a separate process shows it.
    program = """
import resource
from core.document.mask import find_keys
body = b'{"request":{"request_id":"r"},"x":{"created_by":"' + b"a" * 10_000_000 + b'"}}'
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
find_keys(body)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    kilobytes = int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout)
    assert kilobytes < 200_000


def test_a_number_in_a_user_field_is_a_key() -> None:
    body = b'{"request":{"request_id":"r","mod_text":"see mod@1234"},"created_by" : 1234, "n": 1234}'
    assert mask(body) == b'{"request":{"request_id":"r","mod_text":"see mod@<4>"},"created_by" : "<4>", "n": 1234}'


def test_the_escape_before_a_key_is_kept() -> None:
    key = "nudge-key-of-some-length"
    assert json.loads(mask(trace(key, note=f"\n{key[1:]} {key}")))["note"] == f"\n{key[1:]} {hide(key)}"


def test_json_within_a_text_stays_json() -> None:
    inner = json.dumps({"key": SPECIAL, "n": 1.5})
    masked = json.loads(mask(trace(SPECIAL, note=inner)))
    assert json.loads(masked["note"]) == {"key": hide(SPECIAL), "n": 1.5}


@pytest.mark.parametrize("pattern", ["\\", '\\"', "\\u005c", "k\\\\", "@", "\\u0040"])
def test_repeated_at_signs_take_linear_time(pattern: str) -> None:
    key = "k" + "\\" * 20
    assert mask(trace(key, x=pattern * 300_000))
