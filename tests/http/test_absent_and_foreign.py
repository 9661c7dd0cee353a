"""A foreign object costs the same as an absent one, even at 64 MB: the same statements, and the same bytes fetched.

The pairs of rows come from the access matrix, so that a new route is part of this test.
"""

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from tests.support.access_place import OWNER, STRANGER, Place
from tests.support.access_table import ROWS, name_route
from tests.support.client import make_key, send
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import server_thread
from tests.support.wiretap import Wiretap, tap_wire

LARGE_BYTES = 64 * 1024 * 1024
ATTEMPTS = 8
"""The server checks the stamp of the database every few seconds as well, which adds a statement."""
FOREIGN = {"private": "missing", "orphan": "missing", "collection": "nowhere", "admins": "nowhere", "held": "missing"}
FOREIGN |= {"group": "nobody", "strange": "nobody", "calibrator": "absent", "general": "absent"}


@dataclass(frozen=True)
class Tapped:
    """A server with one connection, which is recorded. Names have one length, so that answers differ in nothing."""

    place: Place
    tap: Wiretap
    sql: psycopg.Connection
    names: dict[str, str]
    keys: dict[str, str | None]

    def measure(self, method: str, path: str, key: str | None) -> tuple[int, list[str], int]:
        """Return the status, the statements and the bytes that Postgres answered."""
        self.tap.sent.clear()
        self.tap.received = 0
        body = {} if method == "GET" else self.place.make_body(name_route(method, path))
        answer = send(self.place.client, method, path.format(**self.names), key, **body)
        return answer.status, [" ".join(text.split()[:12]) for text in self.tap.sent], self.tap.received


@pytest.fixture(scope="module")
def tapped(databases: Databases) -> Iterator[Tapped]:
    url = databases.create("absent")
    direct = databases.reach(url)
    with (
        tap_wire(direct) as tap,
        server_thread(tap.dsn, THUNDER_SECRET=SECRET, DATABASE_POOL_SIZE="1") as client,
        psycopg.connect(direct, autocommit=True) as sql,
    ):
        place = Place(client, sql, {}, (f"r{number:06}" for number in itertools.count()))
        place.post(STRANGER)
        private, orphan = place.post(OWNER), place.post(None)
        sql.execute("update request_traces set document = %s", [os.urandom(LARGE_BYTES)])
        sql.execute("update requests set final_text = repeat('x', 1000000)")
        names = {
            "private": private,
            "orphan": orphan,
            "missing": "r999999",
            "collection": str(place.collect(OWNER)),
            "admins": str(place.collect(ADMIN_KEY)),
            "nowhere": "9",
            "comment": place.comment(private),
            "held": place.hold(),
            "group": place.post_group(OWNER),
            "strange": place.post_group(None),
            "nobody": "r999998",
            "calibrator": place.make("calibrator"),
            "general": place.make("general"),
            "absent": "9",
        }
        unbound = make_key(client, name="unbound", scopes=["read", "curate", "delete"])["api_key"]
        keys = {"a stranger": STRANGER, "a key of no user": unbound, "nobody": None}
        yield Tapped(place, tap, sql, names, keys)
    databases.drop("absent")


def list_pairs() -> list[tuple[str, str, str]]:
    """List the method, the path of the foreign object and the path of the absent one."""
    routes = {(method, path) for method, path, *_ in ROWS}
    pairs = {
        (method, path, path.replace(f"{{{foreign}}}", f"{{{absent}}}", 1))
        for method, path in routes
        for foreign, absent in FOREIGN.items()
        if f"{{{foreign}}}" in path and not path.startswith("/view/")
    }
    return sorted(pair for pair in pairs if (pair[0], pair[2]) in routes)


PAIRS = list_pairs()


def test_the_pairs_cover_the_matrix() -> None:
    assert len(PAIRS) > 50
    assert ("GET", "/logs/{private}", "/logs/{missing}") in PAIRS


@pytest.mark.parametrize(("method", "foreign", "absent"), PAIRS, ids=[f"{method} {path}" for method, path, _ in PAIRS])
def test_a_foreign_object_costs_what_an_absent_one_costs(
    tapped: Tapped, method: str, foreign: str, absent: str
) -> None:
    for who, key in tapped.keys.items():
        for attempt in range(ATTEMPTS):
            found = [tapped.measure(method, path, key) for path in (foreign, absent)]
            if found[0] == found[1]:
                break
            assert attempt + 1 < ATTEMPTS, (who, found)
        status, _, received = found[0]
        assert status in (401, 403, 404)
        assert received < 64 * 1024


def test_the_owner_s_read_does_fetch_the_document(tapped: Tapped) -> None:
    status, statements, received = tapped.measure("GET", "/logs/{private}/trace", OWNER)
    assert received > LARGE_BYTES, (status, json.dumps(statements))
