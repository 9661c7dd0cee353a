"""User API keys are removed from a document wherever an engine puts them; everything else is kept exactly."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.access.hasher import Hasher
from core.document.mask import mask_document
from core.document.parse import parse_document
from core.document.schema import Request
from core.errors import InvalidInputError

HASHER = Hasher(b"secret")
LONG = "marshall-alpha-test-key"
SHORT = "bob"


def hide(key: str) -> str:
    return f"<{len(key)}>"


def mask(body: bytes | dict[str, Any]) -> bytes:
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    masked = mask_document(body, parse_document(body), hide)
    assert parse_document(masked.body).request == masked.document.request
    return masked.body


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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(extra=st.dictionaries(st.text(), JSON, max_size=4), key=st.sampled_from([SHORT, LONG, "é…\\"]))
def test_everything_but_the_key_is_kept(extra: dict[str, Any], key: str) -> None:
    assume(not any(name in json.dumps(extra) for name in ("user_api_key", "created_by", "added_by")))
    document = {"request": {**extra, "request_id": "r", "user_api_key": key}, "extra": extra}
    for name in ("request", "events", "mod_calls", "mod_logs", "actions"):
        extra.pop(name, None)
    for name in set(Request.__struct_fields__) - {"request_id", "user_api_key"}:
        document["request"].pop(name, None)
    masked = json.loads(mask(document))
    assert masked == {**document, "request": {**document["request"], "user_api_key": hide(key)}}


@pytest.mark.parametrize(
    "body",
    [
        '{"request":{"request_id":"r","user_api_key":"KEY","user_api_key":null}}',
        '{"request":{"request_id":"r","user_api_key":"KEY"},"request":{"request_id":"r"}}',
        '{"request":{"request_id":"r"},"created_by":"KEY","deep":[{"added_by":"KEY"}]}',
        '{"request":{"request_id":"r","mod_text":"my folder/mod@KEY","active_mod_name":"my mod@KEY"}}',
        '{"request":{"request_id":"r","active_mod_name":"@KEY"}}',
        '{"request":{"request_id":"r"},"user_api_key":"KEY"}',
    ],
)
@pytest.mark.parametrize("key", ["bob", "a-key-of-some-length"])
def test_a_key_is_removed_wherever_a_document_names_one(body: str, key: str) -> None:
    assert key.encode() not in mask(body.replace("KEY", key).encode())


@pytest.mark.parametrize("key", ["1,2,3,4,5,6,7,8,9", " " * 16, "1234567890123456789", "true,false,null,true"])
def test_a_key_that_looks_like_json_damages_nothing(key: str) -> None:
    numbers = "[1,2,3,4,5,6,7,8,9, 1234567890123456789, true,false,null,true]"
    body = f'{{"request":{{"request_id":"r","user_api_key":{json.dumps(key)}}},{" " * 16}"n":{numbers}}}'
    assert json.loads(mask(body.encode()))["n"] == json.loads(numbers)


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


SPECIAL = 'quo"te\\and/slash\n'
KEYS = st.one_of(
    st.sampled_from([LONG, SPECIAL, "schlüssel-für-alle-türen", "😀" * 16, "\\" * 16, "n" * 16, "1234567890123456"]),
    st.text(st.sampled_from('ab1"\\/é\n😀 ,:'), min_size=16, max_size=24).filter(str.strip),
)
WORDS = st.text(st.sampled_from('xyz@_-"\\/é\n '), max_size=6)


def spell(text: str, draw: Callable[[st.SearchStrategy[str]], str]) -> str:
    """Generate JSON of a text, with one of the spellings of each character."""
    parts: list[str] = []
    for character in text:
        units = character.encode("utf-16-be", "surrogatepass").hex()
        codes = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        parts.append(draw(st.sampled_from([json.dumps(character)[1:-1], codes, codes.upper().replace("U", "u")])))
    return f'"{"".join(parts)}"'


@st.composite
def texts(draw: st.DrawFn, middle: str) -> bytes:
    """Generate a text around `middle`, which may itself be in up to two texts that are JSON."""
    inner = draw(WORDS) + middle + draw(WORDS)
    for _ in range(draw(st.integers(0, 2))):
        spelled = draw(st.booleans())
        inner = spell(inner, draw) if spelled else json.dumps(inner, ensure_ascii=draw(st.booleans()))
    return spell(inner, draw).encode() if draw(st.booleans()) else json.dumps(inner).encode()


def decode_all(value: Any) -> Iterator[str]:
    """Yield all texts of a value, and all texts of the JSON that they contain."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for part in value:
            yield from decode_all(part)
    if isinstance(value, str):
        yield value
        with contextlib.suppress(ValueError):
            yield from decode_all(json.loads(value))
        with contextlib.suppress(ValueError):
            if "\\" in value:
                yield from decode_all(json.loads(f'"{value}"'))


@given(key=KEYS, data=st.data())
def test_no_decoding_of_a_masked_document_contains_a_long_key(key: str, data: st.DataObject) -> None:
    held = data.draw(st.lists(texts(key), max_size=3))
    free = data.draw(
        st.lists(WORDS.map(lambda word: json.dumps(word).encode()) | st.just(b"[1.50, 12345678901234567890]"))
    )
    parts = data.draw(st.permutations([*held, *free]))
    name = data.draw(st.sampled_from(["created_by", "user_api_key", "added_by"]))
    named = f"{{{spell(name, data.draw)} : {spell(key, data.draw)}}}".encode()
    request = b'{"request":{"request_id":"r"},"x":['
    body = request + b", ".join([*parts, named]) + b'],"events":[]}'
    masked = mask_document(body, parse_document(body), HASHER.label_user_key)
    assert parse_document(masked.body) == masked.document
    assert not [text for text in decode_all(json.loads(masked.body)) if key in text]
    rest = masked.body.removeprefix(request).decode()
    for part in parts:
        end = json.JSONDecoder().raw_decode(rest)[1] if part in held else len(part.decode())
        assert part in held or rest.startswith(part.decode())
        rest = rest[end:].removeprefix(", ")
    assert list(json.loads(rest.removesuffix('],"events":[]}'))) == [name]


@given(data=st.data())
def test_a_repeated_field_names_each_of_its_keys(data: st.DataObject) -> None:
    fields = st.sampled_from(["user_api_key", "active_mod_name", "mod_text"])
    names = data.draw(st.lists(fields, min_size=1, max_size=5))
    keys = [f"secret-{number}" for number in range(len(names))]
    values = [key if name == "user_api_key" else f"mod@{key}" for name, key in zip(names, keys, strict=True)]
    members = [
        f"{spell(name, data.draw)}: {spell(value, data.draw)}" for name, value in zip(names, values, strict=True)
    ]
    body = f'{{"request": {{{", ".join(members)}, "request_id": "r"}}}}'.encode()
    masked = mask_document(body, parse_document(body), hide)
    assert not [key for key in keys if key in str(json.loads(masked.body, object_pairs_hook=list))]
    assert parse_document(masked.body) == masked.document


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
