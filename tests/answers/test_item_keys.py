"""No key of a user is stored, in whatever form a sender writes the headers and fields that carry one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access.hasher import Hasher
from core.errors import InvalidInputError
from core.responses.keys import mask_item
from core.responses.sse import read_events
from core.traces.items import Prepared, prepare_events, prepare_item, prepare_span
from core.wire.zstandard import decompress
from tests.support.answers import make_chat, post
from tests.support.client import Client
from tests.support.spans import export, make_inference, make_span

HASHER = Hasher(b"secret")
CARRIERS = ("x-api-key", "api-key", "authorization", "proxy-authorization", "cookie", "set-cookie", "x-litellm-api-key")
CARRIERS += ("ocp-apim-subscription-key",)
FIELDS = ("user_api_key", "user_api_key_hash", "metadata.user_api_key")
SECRETS = ("Zk-81q", "Zk-longer-than-sixteen-81q", "Zk é81q", 'Zk"81q\\')
FORMS = ("object", "list", "pair", "flat list", "name and value", "value and key", "span", "object below")
WRAPS = ("object", "list", "JSON in a text", "escaped JSON in a text", "attribute of a span")
DOORS = ("metadata", "request headers", "stream", "span", "LiteLLM")


def spell(name: str, how: int) -> str:
    return (name, name.upper(), name.title(), name.replace("-", "_"), f"http.request.header.{name}")[how]


def write_form(form: str, name: str, key: str) -> Any:
    forms: dict[str, Any] = {
        "object": {name: key},
        "list": {name: [key]},
        "pair": [[name, key]],
        "flat list": ["host", "x", name, key],
        "name and value": [{"name": name, "value": key}],
        "value and key": [{"value": [key], "key": name}],
        "span": [{"key": name, "value": {"arrayValue": {"values": [{"stringValue": key}]}}}],
        "object below": {name: {"raw": [key]}},
    }
    return forms[form]


def wrap(how: str, inner: Any, filler: Any) -> Any:
    text = json.dumps(inner)
    wraps: dict[str, Any] = {
        "object": {"before": filler, "x": inner, "after": filler},
        "list": [filler, inner, filler],
        "JSON in a text": text,
        "escaped JSON in a text": text.replace("k", "\\u006b"),
        "attribute of a span": [{"key": "x", "value": {"stringValue": text}}],
    }
    return wraps[how]


def prepare_at(door: str, inner: object) -> Prepared:
    """Prepare an item that contains a value in headers or metadata."""
    response = make_chat("Paris")
    match door:
        case "metadata":
            return prepare_item(json.dumps({"metadata": {"x": inner}, "response": response}).encode(), HASHER)
        case "request headers":
            request = {"model": "m", "extra_headers": inner}
            return prepare_item(json.dumps({"response": response, "request": request}).encode(), HASHER)
        case "stream":
            lines = json.dumps({**response, "response_headers": inner}, indent=1).splitlines()
            text = ': a "comment\n' + "".join(f"data: {line}\r\n" for line in lines) + "\r\ndata: [DONE]\n\n"
            return prepare_events(text.encode(), HASHER)
        case "LiteLLM":
            payload: dict[str, Any] = {"call_type": "acompletion", "model_parameters": {}, "startTime": 1.0}
            metadata = {"headers": inner}
            return prepare_item(json.dumps({**payload, "response": response, "metadata": metadata}).encode(), HASHER)
        case _:
            attributes = {"metadata": json.dumps({"requester": inner})}
            return prepare_span(make_span(make_inference(response, **attributes)), HASHER)


def read_stored(prepared: Prepared) -> str:
    """Everything that would be stored: the document and all columns."""
    assert isinstance(prepared, list)
    (one,) = prepared
    columns = {name: value for name, value in one.document.items() if name != "document"}
    rest = {name: getattr(one, name) for name in one.__dataclass_fields__ if name != "document"}
    return decompress(one.document["document"]).decode() + repr((rest, columns))


@given(st.data(), st.sampled_from(FORMS), st.sampled_from(DOORS))
def test_a_planted_key_is_never_stored(data: st.DataObject, form: str, door: str) -> None:
    name = spell(data.draw(st.sampled_from([*CARRIERS, *FIELDS])), data.draw(st.integers(0, 4)))
    key = data.draw(st.sampled_from(["", "Bearer ", "Basic "])) + data.draw(st.sampled_from(SECRETS))
    inner = write_form(form, name, key)
    for how in data.draw(st.lists(st.sampled_from(WRAPS), max_size=4)):
        inner = wrap(how, inner, data.draw(st.sampled_from([1.5, None, "text", ["text"], {"a": "text"}])))
    stored = read_stored(prepare_at(door, inner))
    assert "81q" not in stored
    assert "Paris" in stored


WHOLE = '{"choices": [{"delta": {"content": "Paris"}}]}'


@pytest.mark.parametrize("key", ["1234567890123456", "SECRET-key-of-a-user"])
@pytest.mark.parametrize(
    "tail",
    [
        'data: {"choices":[{"delta":{"content":"mail a@b',
        'data: {"x":"1234567890123456 or SECRET-key-of-a-user',
        'data: {"x":"\\u0041',
        'data: {"x":"' + '\\"' * 100_000,
        'data: {"user_api_key":"another-81q',
        'data: {"user_api_key":"another-81q\n\n: c',
        'data: {"x":"\\q"}\n\n: c',
        'data: {"x":"' + '"@' * 40_000 + "\n\n: c",
        'event: x\r\ndata: {"headers":[{"name":"authorization","value":"Bearer 81q","note":"x } ] }',
    ],
    ids=lambda tail: tail[:30],
)
def test_an_event_in_which_a_stream_breaks_off_keeps_no_key(tail: str, key: str) -> None:
    whole = f'data: {{"user_api_key": "{key}", {WHOLE[1:]}\n\n'
    masked = mask_item(f"{whole}{tail}".encode(), HASHER.label_user_key, is_stream=True)
    assert masked.endswith(b"\ndata: {")
    assert not any(secret in masked for secret in (key.encode(), b"81q"))
    assert mask_item(masked, HASHER.label_user_key, is_stream=True) == masked
    events = read_events(masked.decode(), "body")
    assert (events.is_broken, len(events.rows)) == (True, 1)


@pytest.mark.parametrize("tail", ['data: {"choices":[{"delta":{"content":"a@b', f"data: {WHOLE}", ": a comm", "  "])
@pytest.mark.parametrize("text", ["Paris", "a cookie"])
def test_the_last_event_of_a_stream_without_keys_stays_as_posted(tail: str, text: str) -> None:
    stream = f"data: {WHOLE.replace('Paris', text)}\n\n{tail}".encode()
    assert mask_item(stream, HASHER.label_user_key, is_stream=True) == stream


@pytest.mark.parametrize(
    "line", ['{"user_api_key": "ignored-81q"}', "meta: authorization 81q", '\ufeffdata: "81q, cookie']
)
def test_a_line_that_clients_ignore_keeps_no_key(line: str) -> None:
    stream = f'data: {{"user_api_key": "x-81q"}}\n\n{line}\n\ndata: {WHOLE}\n\n'
    masked = mask_item(stream.encode(), HASHER.label_user_key, is_stream=True)
    assert b"81q" not in masked
    assert len(read_events(masked.decode(), "body").rows) == 2


@given(st.data())
def test_a_stream_reads_as_before_wherever_it_breaks_off(data: st.DataObject) -> None:
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    named = WHOLE[:-1] + ', "user_api_key": "SECRET-key-of-a-user"}'
    parts = [f"data: {WHOLE}{end}", f"data: {named}{end}", f"data: {named[:40]}{end}data: {named[40:]}{end}", ": note"]
    rows = data.draw(st.lists(st.sampled_from([*parts, "event: x", "data: [DONE]"]), min_size=1, max_size=5))
    text = data.draw(st.sampled_from(["", "\ufeff"])) + "".join(f"{row}{end}{end}" for row in rows)
    stream = text[: data.draw(st.integers(1, len(text)))]
    try:
        before = read_events(stream, "body")
    except InvalidInputError:
        return
    masked = mask_item(stream.encode(), HASHER.label_user_key, is_stream=True).decode()
    after = read_events(masked, "body")
    assert "SECRET-key" not in masked
    assert (len(after.rows), after[1:]) == (len(before.rows), before[1:])


@pytest.mark.parametrize(
    "kept",
    [
        {"tools": [{"name": "api_key", "description": "x", "parameters": {"properties": {"api_key": {"type": "x"}}}}]},
        {"choices": [{"logprobs": {"tokens": ["authorization", " granted"]}}]},
        {"choices": [{"message": {"content": '{"authorization": "granted", "secret": "sword"}'}}]},
        {"metadata": {"user_api_key_alias": "team-a", "cookies": 3}, "arguments": {"secret": "sword"}},
    ],
)
def test_what_only_looks_like_a_header_stays(kept: object) -> None:
    body = json.dumps(kept).encode()
    assert mask_item(body, HASHER.label_user_key) == body


def test_no_answer_and_no_table_contains_a_planted_key(client: Client, sql: Any) -> None:
    key = "Zk-81q"
    headers = {"headers": [["Authorization", f"Bearer {key}"], {"name": "cookie", "value": key}]}
    item = {"request_id": "a", "user_api_key": key, "metadata": headers, "response": make_chat("Paris")}
    assert post(client, item).status == 201
    span = make_span(make_inference(make_chat("b"), metadata=json.dumps(headers), user_api_key=key))
    assert export(client, span).json == {}
    rows = client.get("/logs").json["data"]
    assert len(rows) == 2
    for row in rows:
        for path in ("", "/trace", "/confidence"):
            answer = client.get(f"/logs/{row['request_id']}{path}")
            assert b"81q" not in answer.data
    assert "81q" not in json.dumps(rows)
    for table in ("requests", "request_steps", "audit_log"):
        assert "81q" not in repr(sql.execute(f"select * from {table}").fetchall())
