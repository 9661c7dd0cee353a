"""The OpenAPI document describes each route: parameters, an example of each body, and the schema of each answer."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from functions.web.described import ANSWERS, BODIES, PARAMETERS, RENDERED
from tests.support.client import Client, send
from tests.support.databases import Databases
from tests.support.documents import load_trace
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.openapi import DOCUMENT
from tests.support.servers import server_thread

ROUTES = [(method.upper(), path, item[method]) for path, item in DOCUMENT["paths"].items() for method in item]


EXACT = {
    "schemas": {
        name: schema if name == "InferenceStats" else {**schema, "additionalProperties": False}
        for name, schema in DOCUMENT["components"]["schemas"].items()
    }
}
"""The schemas, but objects have no further members. Engines choose the members of inference_stats."""
CHOICES = [{**choice, "index": index} for choice in BODIES["POST /v1/score"]["choices"] for index in range(2)]
POSTED: dict[str, dict[str, Any]] = {
    **{name: load_trace(name) for name in ("ban-the", "mod-exception", "backtrack", "plain-unicode")},
    "response": BODIES["POST /v1/score"] | {"id": "one"},
    "two choices": BODIES["POST /v1/score"] | {"id": "two", "choices": CHOICES},
    "JSON": {"tokens": [{"text": '{"a":', "logprob": -0.5}, {"text": " 1}", "logprob": -2.0}]},
}


@pytest.fixture(scope="module")
def described(databases: Databases) -> Iterator[Client]:
    url = databases.create("described")
    with server_thread(url, THUNDER_SECRET=SECRET, INGEST_AUTH="open", PLAYGROUND_KEYLESS="true") as client:
        assert client.ingest(load_trace("force-prefix")).status == 201
        yield client
    databases.drop("described")


@pytest.mark.parametrize(
    ("method", "path", "operation"), ROUTES, ids=lambda part: part if isinstance(part, str) else ""
)
def test_each_route_is_described(method: str, path: str, operation: dict[str, Any]) -> None:
    assert operation["description"].endswith(".")
    assert operation["tags"]
    for parameter in operation.get("parameters", []):
        assert parameter.get("description"), parameter["name"]
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        assert f"{method} {path}" in BODIES
    answers = {status: answer for status, answer in operation["responses"].items() if status < "300"}
    assert answers
    for status, answer in answers.items():
        contents = answer.get("content", {})
        assert contents or status == "204", status
        assert all(media.get("schema") for media in contents.values()), contents


def test_nothing_describes_what_does_not_exist() -> None:
    routes = {f"{method} {path}" for method, path, _ in ROUTES}
    assert {*BODIES, *ANSWERS, *RENDERED} <= routes
    names = {parameter["name"] for *_, operation in ROUTES for parameter in operation.get("parameters", [])}
    assert set(PARAMETERS) <= names


@pytest.mark.parametrize("route", BODIES)
def test_each_example_is_valid(described: Client, route: str) -> None:
    method, _, path = route.partition(" ")
    for name, value in {"request_id": "smollm2-force-prefix"}.items():
        path = path.replace(f"{{{name}}}", value)
    for name in ("alert_id", "calibrator_id", "collection_id", "discussion_id", "key_id"):
        path = path.replace(f"{{{name}}}", "9999999")  # a missing row is a 404, after the body was checked
    body = json.dumps(BODIES[route]).encode()
    answer = described.request(method, path, body, x_api_key=ADMIN_KEY, content_type="application/json")
    assert answer.status not in {400, 415, 422, 500}, answer.data


@pytest.mark.parametrize("name", POSTED)
def test_rendered_answers_have_exactly_the_described_members(described: Client, name: str) -> None:
    body = POSTED[name]
    posted = described.ingest(body).json
    request_id = posted["results"][1]["request_id"] if "results" in posted else posted["request_id"]
    token = send(described, "POST", f"/logs/{request_id}/public", ADMIN_KEY).json["public_token"]
    for route in RENDERED.keys() - {"GET /share/{token}/request/{request_id}"}:
        method, _, path = route.partition(" ")
        path = path.replace("{request_id}", request_id).replace("{token}", f"{token}?format=json")
        sent = json.dumps(body).encode() if method == "POST" else None
        answer = described.request(method, path, sent, x_api_key=ADMIN_KEY, content_type="application/json")
        assert answer.status == 200, route
        schema = DOCUMENT["paths"][route.partition(" ")[2]][method.lower()]["responses"]["200"]["content"][
            "application/json"
        ]
        jsonschema_rs.validate({**schema["schema"], "components": EXACT}, answer.json)
