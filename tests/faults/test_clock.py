"""Jumps of the wall clocks of Postgres and of the server, caused by a library that overrides libc's clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from core.database.migrations import migrate
from core.local import programs as embedded_programs
from core.local.postgres import EmbeddedPostgres, start_embedded
from tests.faults.conftest import Faulty
from tests.support.client import Client, make_key, send
from tests.support.clock import Clock, build_clock
from tests.support.keys import ADMIN_KEY
from tests.support.posters import Poster, assert_whole, id_of, small
from tests.support.processes import served

MOMENTS: tuple[str | float, ...] = (
    "0001-01-02T00:00:00Z",
    "1969-12-31T23:59:59.999999Z",
    "9999-12-29T23:59:59Z",
    4e9,
    0,
)
KEY_JUMPS = (timedelta(0), timedelta(hours=2), timedelta(days=-1))
JUMPS = (timedelta(days=1), timedelta(days=-2), timedelta(days=3650), timedelta(hours=-1), timedelta(0))


@pytest.fixture
def clock() -> Iterator[Clock]:
    with build_clock() as built:
        if built is None:
            pytest.skip("the library of the clock takes a C compiler")
        yield built


@pytest.fixture
def postgres_in_time(
    clock: Clock, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmbeddedPostgres]:
    clean = embedded_programs.clean_environment
    monkeypatch.setattr(embedded_programs, "clean_environment", lambda: {**clean(), **clock.environment})
    with start_embedded(tmp_path_factory.mktemp("clock")) as server:
        migrate(server.dsn)
        yield server


def read_clock(dsn: str) -> datetime:
    with psycopg.connect(dsn) as conn:
        row = conn.execute("select now()").fetchone()
        assert row is not None
        return row[0]


def walk_feed(client: Client) -> list[str]:
    """Return all ids of the feed, page by page."""
    listed: list[str] = []
    path = "/logs?limit=3"
    while True:
        page = client.get(path).json
        listed += [row["request_id"] for row in page["data"]]
        if not page.get("next_cursor"):
            return listed
        path = f"/logs?limit=3&cursor={page['next_cursor']}"


def comment(client: Client, request_id: str) -> int:
    body = {"username": "ann", "comment": "before"}
    answer = send(client, "POST", f"/logs/{request_id}/discussions", ADMIN_KEY, **body)
    assert answer.status == 201, answer.data
    return answer.json["discussion"]["id"]


def test_clock_jumps_lose_nothing_and_change_no_order(
    clock: Clock, postgres_in_time: EmbeddedPostgres, tmp_path: Path
) -> None:
    dsn = postgres_in_time.dsn
    with served(tmp_path / "log", dsn, **clock.environment) as server:
        client, poster = server.client, Poster(server.client)
        poster.post_until_stored(small("same"))
        number = comment(client, "same")
        for turn, jump in enumerate(JUMPS):
            with psycopg.connect(dsn) as conn:
                row = conn.execute("select pg_current_snapshot()::text").fetchone()
            tag = client.get("/logs/same").headers["etag"]
            clock.jump(jump)
            assert abs(read_clock(dsn) - datetime.now(UTC) - jump) < timedelta(minutes=5), (
                "the clock of Postgres is right"
            )
            poster.post_until_stored(small("same", 1 + turn))
            poster.post_until_stored(small(f"r{turn}"))
            assert poster.revisions["same"] == turn + 2
            with psycopg.connect(dsn) as conn:
                query = "select request_id from requests where not pg_visible_in_snapshot(stored_xid, %s::pg_snapshot)"
                new = {name for (name,) in conn.execute(query, row)}
            assert new == {"same", f"r{turn}"}, "the order of a stream does not depend on clocks"
            assert client.get("/logs/same", if_none_match=tag).status == 200
            edited = send(client, "PUT", f"/logs/same/discussions/{number}", ADMIN_KEY, comment=f"turn {turn}")
            assert edited.json["discussion"]["updated_at"] > edited.json["discussion"]["created_at"]
            assert sorted(walk_feed(client)) == sorted(map(id_of, poster.acknowledged.values()))
        assert set(poster.statuses) == {201}, poster.summary
        assert_whole(client, dsn, poster.acknowledged.values())


def test_a_key_expires_by_the_clock_of_the_database(
    clock: Clock, postgres_in_time: EmbeddedPostgres, tmp_path: Path
) -> None:
    with served(tmp_path / "log", postgres_in_time.dsn) as server:  # with a correct clock of its own
        expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        key = make_key(server.client, name="k", is_admin=True, expires_at=expires)["api_key"]
        found: list[int] = []
        for jump in KEY_JUMPS:
            clock.jump(jump)
            found.append(send(server.client, "GET", "/logs", key).status)
        assert found == [200, 401, 200]


def test_the_clock_of_an_engine_may_have_any_value(faulty: Faulty, tmp_path: Path) -> None:
    with served(tmp_path / "log", faulty.url) as server:
        poster = Poster(server.client)
        for moment in MOMENTS:
            document = small(f"at {moment}")
            document["request"] |= {"created_at": moment, "completed_at": "2001-01-01T00:00:00Z"}
            poster.post(document)
        poster.post(small("now"))
        assert set(poster.statuses) == {201}, poster.summary
        assert sorted(walk_feed(server.client)) == sorted(poster.acknowledged)
        assert_whole(server.client, faulty.dsn, poster.acknowledged.values())
