"""Whatever the OpenAPI document lets one send, and anything else: never a 5xx, and every error in the one shape.

By Hypothesis from our own document: schemathesis would bring GraphQL, WSGI and a second HTTP client along.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.api import web
from tests.support.client import Answer, Client, make_key, send
from tests.support.databases import Databases
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import server_thread

EXAMPLES = 20
"""Requests of each operation."""
DOCUMENT = web().openapi()
OPERATIONS = [(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item]

Json = Any
NASTY = st.sampled_from(
    ["", "\0", "a\0b", "\ud800", "\u202e", "\U0001f642", "…#0123456789ab", "%", "'; --", "NaN", "r1"]
)
TEXTS = NASTY | st.text(max_size=40) | st.integers(1, 4000).map(lambda size: "é" * size)
NUMBERS = (
    st.integers(-2, 2)
    | st.sampled_from([2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 10**40, 10**400, 1e308, -1e308, 5e-324])
    | st.floats()
)
ANY_JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
MOMENTS = st.sampled_from(
    ["2026-03-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "-1", "1e20"]
)


@dataclass(frozen=True)
class Place:
    client: Client
    keys: list[str | None]


@pytest.fixture(scope="module")
def place(databases: Databases) -> Iterator[Place]:
    url = databases.create("openapi")
    with server_thread(url, THUNDER_SECRET=SECRET, BOOTSTRAP_SECRET="s") as client:
        document = make_document(events=number(one_token()), request={"user_api_key": "key-of-ann"})
        assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201
        reader = make_key(client, name="reader", allowed_api_key="key-of-ann")["api_key"]
        yield Place(client, [ADMIN_KEY, ADMIN_KEY, reader, "key-of-ann", None])
    databases.drop("openapi")


def resolve(schema: Json, root: Json) -> Json:
    """What a reference stands for: in the whole document, or among the definitions of a body's own schema."""
    known = {**root.get("$defs", {}), **DOCUMENT["components"]["schemas"]}
    while "$ref" in schema:
        schema = known.get(schema["$ref"].rpartition("/")[2], {})
    return schema


SIMPLE: dict[str, st.SearchStrategy[Json]] = {
    "string": TEXTS,
    "integer": st.integers(0, 3) | NUMBERS,
    "number": NUMBERS,
    "boolean": st.booleans(),
    "null": st.none(),
}


def fit(schema: Json, root: Json, depth: int = 0) -> st.SearchStrategy[Json]:
    """Values that a schema allows, or nearly: the texts and numbers are as odd as JSON has them."""
    match resolve(schema, root):
        case {"enum": values}:
            return st.sampled_from(values)
        case {"anyOf": alternatives}:
            return st.one_of([fit(one, root, depth) for one in alternatives])
        case {"format": "date-time"}:
            return MOMENTS
        case {"type": "object", "properties": _} as known:
            return fit_object(known, root, depth)
        case {"type": "array", **known} if depth < 6:
            return st.lists(fit(known.get("items", {}), root, depth + 1), max_size=3)
        case known:
            return SIMPLE.get(str(known.get("type")), ANY_JSON)


def fit_object(schema: Json, root: Json, depth: int) -> st.SearchStrategy[Json]:
    parts = {
        name: st.deferred(lambda part=part: fit(part, root, depth + 1)) for name, part in schema["properties"].items()
    }
    required = {name: part for name, part in parts.items() if name in schema.get("required", ())}
    whole = st.fixed_dictionaries(
        required, optional={name: part for name, part in parts.items() if name not in required}
    )
    # One part of it is anything at all.
    wrong = st.tuples(whole, st.sampled_from(sorted(parts)), ANY_JSON).map(
        lambda drawn: {**drawn[0], drawn[1]: drawn[2]}
    )
    return whole | whole | wrong


def bodies(operation: Json) -> st.SearchStrategy[bytes | None]:
    if "requestBody" not in operation:
        return st.none() | ANY_JSON.map(write)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    fitting = fit(schema, schema).map(write)
    return fitting | fitting | fitting | ANY_JSON.map(write) | st.binary(max_size=20) | st.none()


def write(value: Json) -> bytes:
    """JSON as careless clients write it: NaN, and lone surrogates in escapes."""
    return json.dumps(value).encode()


def query_values(parameter: Json) -> st.SearchStrategy[str | None]:
    known = fit(parameter["schema"], parameter["schema"]).map(str)
    # An omitted parameter, three odd ones, and one that the document allows.
    return st.none() | known | TEXTS | NUMBERS.map(str) | MOMENTS


def check(answer: Answer) -> None:
    assert answer.status < 500, answer.data
    if answer.status >= 400:
        body = answer.json
        assert set(body) == {"error", "message", "code"}, answer.data
        assert body["error"] == body["message"]
        assert len(body["error"]) > 5
        assert body["code"] == answer.status


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda part: part)
def test_nothing_that_is_sent_is_answered_with_a_5xx(place: Place, method: str, path: str) -> None:
    operation = DOCUMENT["paths"][path][method.lower()]
    parameters = operation.get("parameters", [])
    in_query = {one["name"]: query_values(one) for one in parameters if one["in"] == "query"}
    in_path = {
        one["name"]: st.sampled_from(["r1", "1"]) | TEXTS | NUMBERS.map(str)
        for one in parameters
        if one["in"] == "path"
    }

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(
        names=st.fixed_dictionaries(in_path),
        query=st.fixed_dictionaries(in_query),
        body=bodies(operation),
        key=st.sampled_from(place.keys),
    )
    def attack(names: dict[str, str], query: dict[str, str | None], body: bytes | None, key: str | None) -> None:
        filled = path
        for name, text in names.items():
            filled = filled.replace(f"{{{name}}}", quote(text, safe="", errors="surrogatepass"))
        given_values = {name: text for name, text in query.items() if text is not None}
        asked = urlencode(given_values, errors="surrogatepass")
        headers = {"x_api_key": key} if key else {}
        if body is not None:
            headers["content_type"] = "application/json"
        check(place.client.request(method, f"{filled}?{asked}", body, **headers))

    attack()


def test_the_document_names_every_error_that_was_seen(place: Place) -> None:
    for method, path in OPERATIONS:
        declared = set(DOCUMENT["paths"][path][method.lower()]["responses"])
        filled = path.replace("{request_id}", "r1").replace("{token}", "x").replace("{key_id}", "1")
        for key in place.keys:
            answer = send(place.client, method, filled, key)
            check(answer)
            assert str(answer.status) in declared, (method, path, answer.status)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    references = set(re.findall(r'"\$ref": "(.*?)"', json.dumps(DOCUMENT)))
    assert references
    for reference in references:
        place = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            assert part in place, reference
            place = place[part]


def test_an_operation_that_takes_a_body_says_so() -> None:
    bodiless = ("POST", "/collections/{collection_id}/public")
    for method, path in OPERATIONS:
        if (method in {"POST", "PUT"} and (method, path) != bodiless) or (method, path) == ("DELETE", "/auth/keys"):
            assert "requestBody" in DOCUMENT["paths"][path][method.lower()], (method, path)


CONFLICTING = {
    ("POST", "/v1/ingest"),
    ("POST", "/auth/bootstrap"),
    ("DELETE", "/auth/keys"),
    ("PUT", "/collections/{collection_id}"),
    ("POST", "/collections/{collection_id}/requests"),
    ("POST", "/logs/{request_id}/collections"),
    ("POST", "/logs/{request_id}/tags"),
    ("POST", "/logs/{request_id}/favorite"),
    ("POST", "/logs/{request_id}/discussions"),
    ("DELETE", "/logs/{request_id}"),
}


def test_each_operation_declares_the_errors_of_what_it_takes() -> None:
    for method, path in OPERATIONS:
        operation = DOCUMENT["paths"][path][method.lower()]
        declared = set(operation["responses"])
        assert {"414", "429", "431", "500", "503"} <= declared, (method, path)
        assert ({"408", "413", "415"} <= declared) == ("requestBody" in operation), (method, path)
        assert ("409" in declared) == ((method, path) in CONFLICTING), (method, path)
        for status, response in operation["responses"].items():
            if int(status) >= 400 and (path, status) != ("/health", "503"):
                schema = response["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorBody"}, (method, path, status)
