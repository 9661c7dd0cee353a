"""Many clients, slow clients, and a server that stops during streams."""

import asyncio
import contextlib
import json
import socket as sockets
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from websockets.asyncio.client import ClientConnection as AsyncConnection
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from core.access.caller import SETTING_ADMIN
from core.database.pool import DatabaseUnavailableError
from core.stream.backlog import Backlog
from core.stream.message import MAX_MESSAGE_BYTES, Message, render_row
from core.stream.store import NewsRow
from core.stream.subscription import MAX_QUEUED, MAX_QUEUED_BYTES, Subscription, Wanted
from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post
from tests.support.processes import server_process
from tests.support.streams import (
    WAIT_S,
    copy_request,
    name_all,
    open_events,
    open_socket,
    read_id,
    receive_close,
    receive_ids,
)

STREAMS = 200
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
NONES = (None,) * 4
ROW = NewsRow(
    "8:8:",
    9,
    1,
    7,
    None,
    1,
    "r",
    CREATED,
    *NONES,
    0,
    [],
    0,
    None,
    [],
    *NONES,
    "quote",
    *[None] * 8,
    has_exception=False,
)


async def receive_async(socket: AsyncConnection, count: int) -> list[str]:
    return [read_id(json.loads(await socket.recv())) for _ in range(count)]


def test_two_hundred_streams_on_one_process_receive_all_traces(
    databases: Databases, new_database_url: str, tmp_path: Path
) -> None:
    names = name_all("many", 20)

    async def listen_all(client: Client) -> None:
        url = f"{client.url.replace('http', 'ws', 1)}/logs/stream?api_key={ADMIN_KEY}"
        opened = await asyncio.gather(*(connect_async(url, open_timeout=60) for _ in range(STREAMS)))
        await asyncio.to_thread(post, client, *names)
        for received in await asyncio.gather(*(receive_async(one, len(names)) for one in opened)):
            assert received == names
        await asyncio.gather(*(one.close() for one in opened))

    with server_process(
        tmp_path / "log", new_database_url, DATABASE_URL_DIRECT=databases.reach(new_database_url)
    ) as client:
        asyncio.run(listen_all(client))
        with psycopg.connect(databases.reach(new_database_url)) as sql:
            asked = "select count(*) from pg_stat_activity where datname = current_database() and backend_type = %s"
            (connections,) = sql.execute(asked, ["client backend"]).fetchone() or (0,)
        assert connections <= 4 + 1 + 1, "connections of the pool, the listener and this test"


def test_a_client_that_does_not_read_receives_the_number_of_missed_traces_and_continues(
    listening: Client, sql: psycopg.Connection
) -> None:
    post(listening, "source")
    names = name_all("flood", 600)
    host, port = listening.url.removeprefix("http://").split(":")
    with sockets.socket() as small:
        small.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65536)
        small.connect((host, int(port)))
        url = f"ws://{host}:{port}/logs/stream?api_key={ADMIN_KEY}"
        with (
            connect(url, sock=small, max_size=None, max_queue=1, compression=None, close_timeout=1) as slow,
            open_socket(listening) as quick,
        ):
            copy_request(sql, "source", names, text="x" * 60_000)
            assert receive_ids(quick, len(names)) == names
            messages = [json.loads(slow.recv(timeout=WAIT_S))]
            while messages[-1]["type"] != "lagged":
                messages.append(json.loads(slow.recv(timeout=WAIT_S)))
            *received, lagged = messages
            assert [read_id(message) for message in received] == names[: len(received)]
            assert lagged == {"type": "lagged", "missed": len(names) - len(received)}
            post(listening, "after")
            assert receive_ids(slow) == receive_ids(quick) == ["after"]


def test_an_event_stream_that_lagged_loses_nothing_if_it_resumes(listening: Client, sql: psycopg.Connection) -> None:
    post(listening, "source")
    names = name_all("flood", 600)
    with open_events(listening) as slow, open_socket(listening) as quick:
        copy_request(sql, "source", names, text="x" * 60_000)
        assert receive_ids(quick, len(names)) == names
        received = 0
        while (event := slow.next()).message["type"] != "lagged":
            assert (read_id(event.message), event.id) == (names[received], slow.last_id)
            received += 1
        assert (event.id, event.message["missed"]) == (None, len(names) - received)
        last = slow.last_id or ""
    with open_events(listening, last_event_id=last) as again:
        assert again.ids(len(names) - received) == names[received:]


async def _never(_: Subscription) -> None:
    raise DatabaseUnavailableError("not asked in this test")


def make_subscription() -> Subscription:
    one = Subscription("k", Wanted(), _never)
    one.caller, one.is_joined = SETTING_ADMIN, True
    return one


def test_the_queue_of_a_client_is_bounded_in_number_and_bytes() -> None:
    async def flood(size: int) -> list[Message]:
        one = make_subscription()
        for _ in range(1000):
            one.deliver([(7, Message("x" * size, "1:1:"))])
        got: list[Message] = []
        while message := await one.next(0.01):
            got.append(message)
        return got

    for size, kept in ((10, MAX_QUEUED), (MAX_QUEUED_BYTES // 10, 10), (MAX_QUEUED_BYTES * 2, 1)):
        *received, lagged = asyncio.run(flood(size))
        assert len(received) == kept
        assert json.loads(lagged.text) == {"type": "lagged", "missed": 1000 - kept}
        assert lagged.position is None


def test_the_queues_of_an_account_are_bounded_and_count_a_shared_message_once() -> None:
    async def run() -> None:
        backlog, clients = Backlog(1000), [make_subscription() for _ in range(3)]
        for one in clients:
            one.share(backlog)
        shared = Message("s" * 400, "1:1:")
        for one in clients:
            one.deliver([(7, shared)])
        clients[0].deliver([(7, Message("a" * 400, "1:1:"))])
        clients[1].deliver([(7, Message("b" * 400, "1:1:"))])
        assert [(await one.next(0.01) or shared).text[0] for one in clients] == ["s", "s", "s"]
        lagged = await clients[1].next(0.01)
        assert lagged is not None
        assert json.loads(lagged.text) == {"type": "lagged", "missed": 1}
        clients[2].deliver([(7, Message("c" * 600, "1:1:"))])
        clients[0].close()
        clients[1].deliver([(7, Message("d" * 400, "1:1:"))])
        assert [(await one.next(0.01) or shared).text[0] for one in clients[1:]] == ["d", "c"]

    asyncio.run(run())


@pytest.mark.parametrize("character", ["x", "\x01", "é", "😀", '"'])
def test_no_message_exceeds_the_limit_of_modal(character: str) -> None:
    for count in (10, 2**21 - 200, 2**21):
        text = render_row(ROW._replace(final_text=character * count))
        assert len(text.encode()) <= MAX_MESSAGE_BYTES
        kept = json.loads(text)["data"]["final_text"]
        assert kept == character * len(kept)
        assert len(kept) == count or len(text.encode()) > MAX_MESSAGE_BYTES * 0.85


def test_a_text_too_long_for_a_message_is_shortened(listening: Client) -> None:
    with open_socket(listening) as socket:
        post(listening, "long", final_text="é" * 3_000_000, model="m" * 5000)
        text = socket.recv()
        assert len(str(text).encode()) <= MAX_MESSAGE_BYTES
        row = json.loads(text)["data"]
        assert set(row["final_text"]) == {"é"}
        assert row["model_id"] == "m" * 500
        post(listening, "next")
        assert receive_ids(socket) == ["next"]


def test_a_stopping_server_ends_its_streams_without_waiting(
    databases: Databases, database_url: str, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as opened:
        direct = databases.reach(database_url)
        with server_process(tmp_path / "log", database_url, DATABASE_URL_DIRECT=direct) as client:
            socket = opened.enter_context(open_socket(client))
            events, more = (opened.enter_context(open_events(client)) for _ in range(2))
        # It received a SIGTERM and has exited.
        assert receive_close(socket)[0] == 1012
        assert [event.data for event in (*events.events, *more.events)] == []
    log = (tmp_path / "log").read_text()
    assert "Cancel" not in log
    assert "Traceback" not in log


def test_a_handshake_that_is_too_long_is_rejected(database_url: str, tmp_path: Path) -> None:
    with server_process(tmp_path / "log", database_url) as client:
        for query, header, status in (("x" * 10_000, "x", 414), ("x", "x" * 40_000, 431)):
            with pytest.raises(InvalidStatus) as refused, open_socket(client, {"X-Long": header}, {"q": query}):
                pass
            assert refused.value.response.status_code == status
            assert json.loads(refused.value.response.body or b"")["code"] == status
