"""Streams that stay open while their database is restored, and streams of a restored database."""

import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from core.database.migrations import adopt, migrate
from core.local.postgres import TEST_SETTINGS, EmbeddedPostgres, start_embedded
from tests.support.client import Client
from tests.support.keys import SECRET
from tests.support.posts import post
from tests.support.servers import server_thread
from tests.support.streams import Events, open_events, open_socket, receive_close, receive_ids

OLD = ["old-1", "old-2"]


@dataclass
class Address:
    """A socket directory at which one cluster after the other is reached."""

    directory: Path

    def start(self, name: str) -> EmbeddedPostgres:
        """Start a cluster at this address."""
        server = start_embedded(self.directory / name, settings=TEST_SETTINGS)
        link = self.directory / "address"
        link.unlink(missing_ok=True)
        link.symlink_to(server.socket_dir)
        self.dsn = server.dsn.replace(str(server.socket_dir), str(link))
        return server

    def run(self, server: EmbeddedPostgres, program: str, *arguments: str) -> None:
        """Run pg_dump or pg_restore as docs/BACKUP.md does."""
        command = [str(server.bin_dir / program), "--no-owner", "--no-privileges", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def dump(self, server: EmbeddedPostgres) -> None:
        self.run(server, "pg_dump", "--format=custom", f"--file={self.directory / 'dump'}", self.dsn)

    def restore(self, server: EmbeddedPostgres, *options: str) -> None:
        whole = ["--exit-on-error", "--single-transaction", f"--dbname={self.dsn}"]
        self.run(server, "pg_restore", *options, *whole, str(self.directory / "dump"))


@pytest.fixture
def address(tmp_path: Path) -> Address:
    return Address(tmp_path)


@contextmanager
def serving(address: Address) -> Generator[Client]:
    """A server of the address, with the requests OLD."""
    migrate(address.dsn)
    with server_thread(address.dsn, DATABASE_URL_DIRECT=address.dsn, THUNDER_SECRET=SECRET) as client:
        post(client, *OLD)
        yield client


def use_numbers(dsn: str, count: int) -> None:
    """Use this many transaction numbers."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        for _ in range(count):
            conn.execute("select pg_current_xact_id()")


def read_restored(events: Events) -> None:
    """Assert that an event stream reports the restore, resets the position and ends."""
    event = events.next()
    assert (event.name, event.id, event.message.keys()) == ("restored", "", {"message"})
    assert "earlier state" in event.message["message"]
    assert list(events.events) == []


@pytest.mark.parametrize("settle", [migrate, adopt])
def test_streams_end_when_another_cluster_has_the_restored_database(
    address: Address, settle: Callable[..., object]
) -> None:
    server = address.start("one")
    use_numbers(address.dsn, 1000)
    try:
        with serving(address) as client, open_socket(client) as socket, open_events(client) as events:
            address.dump(server)
            post(client, "lost")
            assert receive_ids(socket) == events.ids() == ["lost"]
            last = events.last_id or ""
            server.stop()
            server = address.start("two")
            address.restore(server)
            code, reason = receive_close(socket)
            assert (code, "earlier state" in reason) == (1012, True)
            read_restored(events)
            assert client.get("/logs/stream", accept="text/event-stream", last_event_id=last).status == 400
            # Clients connect again before the numbers of the old cluster are settled.
            with open_socket(client) as new_socket, open_events(client) as new_events:
                settle(address.dsn, app_name="thunder-backend")
                use_numbers(address.dsn, 2000)
                post(client, "new")
                assert receive_ids(new_socket) == new_events.ids() == ["new"]
                assert {row["request_id"] for row in client.get("/logs").json["data"]} == {*OLD, "new"}
    finally:
        server.stop()


def test_streams_end_when_the_cluster_returns_to_an_earlier_state(address: Address) -> None:
    server = address.start("now")
    try:
        with serving(address) as client:
            server.stop()
            subprocess.run(["cp", "-a", address.directory / "now", address.directory / "before"], check=True)
            server = address.start("now")
            with open_socket(client) as socket, open_events(client) as events:
                post(client, *[f"lost-{number}" for number in range(20)])
                assert receive_ids(socket, 20) == events.ids(20)
                last = events.last_id or ""
                server.stop()
                server = address.start("before")
                assert receive_close(socket)[0] == 1012
                read_restored(events)
            assert client.get("/logs/stream", accept="text/event-stream", last_event_id=last).status == 400
            with open_socket(client) as socket, open_events(client) as events:
                post(client, "new")
                assert receive_ids(socket) == events.ids() == ["new"]
    finally:
        server.stop()


def test_streams_stay_open_during_a_restore_in_place(address: Address) -> None:
    with (
        address.start("one") as server,
        serving(address) as client,
        open_socket(client) as socket,
        open_events(client) as events,
    ):
        address.dump(server)
        post(client, "lost")
        assert receive_ids(socket) == events.ids() == ["lost"]
        address.restore(server, "--clean", "--if-exists")
        migrate(address.dsn)
        post(client, "new")
        assert receive_ids(socket) == events.ids() == ["new"]
        with open_events(client, last_event_id=events.last_id or "") as again:
            post(client, "newer")
            assert receive_ids(socket) == events.ids() == again.ids() == ["newer"]
        assert {row["request_id"] for row in client.get("/logs").json["data"]} == {*OLD, "new", "newer"}
