"""The OpenAPI document describes each route: parameters, an example of each body, and the schema of each answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.web.described import ANSWERS, BODIES, PARAMETERS
from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.documents import load_trace
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.openapi import DOCUMENT
from tests.support.servers import server_thread

ROUTES = [(method.upper(), path, item[method]) for path, item in DOCUMENT["paths"].items() for method in item]


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
    assert {*BODIES, *ANSWERS} <= routes
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


@pytest.mark.parametrize("route", [route for route in ANSWERS if route.startswith("GET /logs") or "/score" in route])
def test_the_required_members_are_in_the_answer(described: Client, route: str) -> None:
    method, _, path = route.partition(" ")
    path = path.replace("{request_id}", "smollm2-force-prefix")
    body = json.dumps(BODIES[route]).encode() if route in BODIES else None
    answer = described.request(method, path, body, x_api_key=ADMIN_KEY, content_type="application/json")
    assert answer.status == 200
    assert set(ANSWERS[route].get("required", ())) <= answer.json.keys()
