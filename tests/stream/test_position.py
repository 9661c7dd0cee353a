"""Positions as text: which are accepted, which are rejected, and how Postgres reads them."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InvalidInputError
from core.stream.position import MAX_POSITION_CHARACTERS, MAX_XID, Position, Snapshot
from core.stream.store import READ_NEWS
from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.posts import post
from tests.support.streams import open_events, open_socket, receive_close

HOSTILE = [
    *("x", "0:0:", "1:1", "1:1:1", "2:1:", "1:5:3,3", "1:5:3,2", "1:5:5", "2:5:1", "1:5:,", "1:5:2,", " 1:5:", "+1:5:"),
    "1:5:2, 3",
    *("\uff11:5:", "-1:5:", f"1:{2**63}:", f"1:{10**30}:", "1:5:~1:6:", "1:5:~1:6:~", "1:5:~1:6:~1", "1:5:~~1.1"),
    *("1:5:~1:6:~1.1~", f"1:5:~1:6:~{2**63}.1", f"1:5:~1:6:~1.{2**63}", "1:5:~1:6:~-1.1", "'; drop table requests; --"),
    "1:5000000:" + ",".join(map(str, range(1, 9000))),
]
XIDS = st.integers(0, 30) | st.sampled_from([2**32, MAX_XID - 1, MAX_XID, MAX_XID + 1, 2**64])
SNAPSHOTS = st.tuples(XIDS, XIDS, st.lists(XIDS)).map(lambda drawn: "{}:{}:{}".format(*drawn[:2], write_list(drawn[2])))


def write_list(xids: list[int]) -> str:
    return ",".join(map(str, xids))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:30])
def test_an_invalid_position_is_rejected(text: str) -> None:
    with pytest.raises(InvalidInputError, match="not a valid id of this stream"):
        Position.parse(text)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=SNAPSHOTS, xids=st.lists(st.integers(1, 40), max_size=10))
def test_postgres_accepts_and_orders_accepted_positions_equally(
    sql: psycopg.Connection, text: str, xids: list[int]
) -> None:
    try:
        snapshot = Snapshot.parse(text)
    except InvalidInputError:
        return
    seen = "select pg_visible_in_snapshot(xid::text::xid8, %(text)s) from unnest(%(xids)s::bigint[]) as xid"
    row = sql.execute(f"select %(text)s::pg_snapshot::text, array({seen})", {"text": text, "xids": xids}).fetchone()
    assert row == (text, [snapshot.sees(xid) for xid in xids])


@given(
    before=st.sampled_from(["1:1:", "3:9:3,5", f"1:{MAX_XID}:"]),
    xid=st.integers(0, MAX_XID),
    number=st.integers(0, MAX_XID),
)
def test_a_written_position_can_be_read(before: str, xid: int, number: int) -> None:
    for position in (
        Position(Snapshot.parse(before)),
        Position(Snapshot.parse(before), Snapshot.parse("5:20:7"), xid, number),
    ):
        assert Position.parse(position.write()) == position


def test_hostile_positions_are_rejected_with_an_explanation(shared: Client) -> None:
    for text in ("x", "1:1:1", "1:5:~1:6:~1", "1" * (MAX_POSITION_CHARACTERS + 1)):
        answer = shared.get("/logs/stream", accept="text/event-stream", last_event_id=text)
        assert (answer.status, answer.json["code"]) == (400, 400)


def test_a_position_of_another_database_is_rejected_with_an_explanation(shared: Client) -> None:
    for text in ("1:9000000000:", "1:1:~1:9000000000:~3.4", "1:9000000000:~1:1:~3.4"):
        answer = shared.get("/logs/stream", accept="text/event-stream", last_event_id=text)
        assert answer.status == 400
        assert answer.json["error"].startswith("Last-Event-ID: from another database")


def read_present(sql: psycopg.Connection) -> str:
    start: dict[str, Any] = {"first_xid": None, "running": [], "until": None, "after_xid": "0", "after_id": 0}
    row = READ_NEWS.run_only(sql, app_name="thunder-backend", limit=1, bytes=1, **start)
    return Snapshot.parse(row.snapshot).cut(row.newest_xid, at_least=0).text


def test_the_present_is_after_the_newest_trace_whatever_else_runs(
    listening: Client, sql: psycopg.Connection, databases: Databases, database_url: str
) -> None:
    assert read_present(sql) == "4:4:"
    post(listening, "newest")
    present = read_present(sql)
    (xid,) = sql.execute("select stored_xid::text::bigint from requests").fetchone() or ()
    assert present == f"{xid + 1}:{xid + 1}:"
    for end in ("commit", "rollback"):
        sql.execute("begin")
        sql.execute("select pg_current_xact_id()")
        with psycopg.connect(databases.reach(database_url)) as other:
            assert read_present(other) == present
        sql.execute(end)
        assert read_present(sql) == present


@pytest.mark.parametrize("newest", [None, 3, 7, 15, 4294967294, 4294967295])
@pytest.mark.parametrize("at_least", [0, 12])
def test_a_snapshot_is_cut_after_the_newest_trace(sql: psycopg.Connection, newest: int | None, at_least: int) -> None:
    """Postgres accepts the result also at the turn of an epoch."""
    current = Snapshot.parse("9:9000000000:9,4294967290,8000000000")
    present = current.cut(newest, at_least=at_least)
    assert sql.execute("select %s::pg_snapshot::text", [present.text]).fetchone() == (present.text,)
    assert Snapshot.parse(present.text).running == present.running
    assert present.xmax == max(at_least, {None: 4, 4294967295: 4294967299}.get(newest, (newest or 0) + 1))
    for xid in (3, 7, 9, 4294967290, 4294967294, 4294967295, 8999999999):
        assert present.sees(xid) == (xid < present.xmax and current.sees(xid))


def test_rows_of_a_restored_dump_do_not_hide_new_ones(listening: Client, sql: psycopg.Connection) -> None:
    post(listening, "restored")
    sql.execute("update requests set stored_xid = '9000000000'")
    with open_events(listening) as events:
        assert events.last_id == "4:4:"
        post(listening, "now")
        assert events.ids() == ["now"]


def test_a_position_advances_although_nothing_matched_the_client(
    listening: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.web.events.HEARTBEAT_S", 0.05)
    post(listening, "ann-0", user="ann")
    with open_events(listening, key="ann") as events, open_socket(listening) as everything:
        first = events.last_id
        post(listening, "bob-0", user="bob")
        everything.recv()
        heartbeat = next(event for event in events.events if event.id)
        assert heartbeat.id not in (None, first)
        assert (heartbeat.data, heartbeat.other) == ([], [":"])


def test_a_socket_cannot_resume_from_a_position(shared: Client) -> None:
    with open_socket(shared, query={"last_event_id": "x", "api_key": "unknown-key"}) as socket:
        code, reason = receive_close(socket)
    assert (code, reason.partition(";")[0]) == (1008, "last_event_id: unknown parameter")
