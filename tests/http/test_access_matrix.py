"""Every route with every kind of key. A route that is missing from the table fails a test."""

import itertools
from collections.abc import Iterator

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route, WebSocketRoute

from functions.api import web
from tests.support.access_place import OWNER, STRANGER, Place
from tests.support.access_table import COLUMNS, ROWS, name_route
from tests.support.client import make_key, send
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import server_thread
from tests.support.streams import PATH, ask_for_events, ask_for_socket


@pytest.fixture(scope="module")
def place(databases: Databases) -> Iterator[Place]:
    url = databases.create("matrix")
    direct = databases.reach(url)
    with server_thread(url, THUNDER_SECRET=SECRET) as client, psycopg.connect(direct, autocommit=True) as sql:
        made = {
            "bound": make_key(client, name="bound", allowed_api_key=OWNER),
            "reader": make_key(client, name="reader", allowed_api_key=OWNER, scopes=["read"]),
            "curator": make_key(client, name="curator", allowed_api_key=OWNER, scopes=["curate"]),
            "deleter": make_key(client, name="deleter", allowed_api_key=OWNER, scopes=["delete"]),
            "other": make_key(client, name="other", allowed_api_key=STRANGER, scopes=["read", "curate", "delete"]),
            "unbound": make_key(client, name="unbound"),
            "ingest": make_key(client, name="ingest", allowed_api_key=OWNER, scopes=["ingest"]),
            "team": make_key(client, name="team", scopes=["read_all"]),
            "admin": make_key(client, name="admin", is_admin=True),
            "expired": make_key(client, name="expired", is_admin=True, allowed_api_key=OWNER),
            "revoked": make_key(client, name="revoked", is_admin=True, allowed_api_key=OWNER),
        }
        sql.execute("update api_keys set expires_at = now() where id = %s", [made["expired"]["id"]])
        assert send(client, "DELETE", "/auth/keys", ADMIN_KEY, id=made["revoked"]["id"]).status == 200
        given = {name: key["api_key"] for name, key in made.items()}
        every = {"none": None, "stranger": STRANGER, "owner": OWNER, "configured": ADMIN_KEY, **given}
        keys = {column: next(key for name, key in every.items() if name.startswith(column)) for column in COLUMNS}
        place = Place(client, sql, keys, (f"r{number}" for number in itertools.count()))
        place.post(OWNER)
        place.post(STRANGER)
        yield place
    databases.drop("matrix")


def test_each_route_answers_each_key_as_in_the_table(place: Place) -> None:
    assert [[*row[:2], *ask(place, *row[:2])] for row in ROWS] == ROWS


def ask(place: Place, method: str, path: str) -> Iterator[str]:
    """Return the status for each key. A key that changed its object leaves the next key a new one."""
    filled = ""
    for key in place.keys.values():
        filled = filled or place.fill(path)
        if method == "WEBSOCKET":
            yield str(ask_for_socket(place.client, key))
            continue
        if path == PATH:
            answer = ask_for_events(place.client, key)
        else:
            answer = send(place.client, method, filled, key, **place.make_body(name_route(method, path)))
        if answer.status >= 400:
            more = {"status", "error_code"} if "/activations/" in path else set()
            assert set(answer.json) == {"error", "message", "code"} | more, answer.data
            assert answer.json["code"] == answer.status
        if method != "GET" and answer.status < 400:
            filled = ""
        yield str(answer.status)


def list_routes(app: FastAPI) -> set[str]:
    """List each method of each path."""
    routes = {f"WEBSOCKET {route.path}" for route in app.routes if isinstance(route, WebSocketRoute)}
    for route in app.routes:
        if isinstance(route, Route | APIRoute):
            # Starlette's own routes answer HEAD where they answer GET.
            path = route.path.replace(":path}", "}")
            routes |= {f"{method} {path}" for method in route.methods or () if method != "HEAD"}
    documented = {f"{method.upper()} {path}" for path, item in app.openapi()["paths"].items() for method in item}
    assert documented <= routes, "list_routes misses a documented route"
    return routes


def test_no_route_is_missing_from_the_table() -> None:
    assert {name_route(method, path) for method, path, *_ in ROWS} == list_routes(web())


def test_rows_are_unique_and_complete() -> None:
    assert len({(method, path) for method, path, *_ in ROWS}) == len(ROWS)
    assert {len(row) for row in ROWS} == {len(COLUMNS) + 2}
