"""Masking, for any document and key."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.document.mask import mask_document
from core.document.parse import parse_document
from core.document.schema import Request
from tests.support.masking import HASHER, LONG, SHORT, SPECIAL, hide, mask

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
