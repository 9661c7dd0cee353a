"""Streams after a restore into another cluster, which counts transactions from the start again."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from core.database.migrations import adopt, migrate
from core.local.postgres import TEST_SETTINGS, EmbeddedPostgres, start_embedded
from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import server_thread
from tests.support.streams import open_socket, receive_ids

OLD = ("old-1", "old-2")


@pytest.fixture
def restored(
    client: Client, databases: Databases, database_url: str, postgres: EmbeddedPostgres, tmp_path: Path
) -> Iterator[str]:
    """The URL of a copy of a database with two requests, restored with pg_dump and psql into a new cluster."""
    with start_embedded(tmp_path / "other", settings=TEST_SETTINGS) as other:
        run_ahead(databases.reach(database_url), of=other.dsn)
        for request_id in OLD:
            assert client.ingest(make_document(request_id)).status == 201
        url = other.create_database("restored")
        dump = [str(postgres.bin_dir / "pg_dump"), "--no-owner", databases.reach(database_url)]
        script = subprocess.run(dump, check=True, capture_output=True).stdout
        restore = [str(postgres.bin_dir / "psql"), "--quiet", "--set=ON_ERROR_STOP=1", url]
        subprocess.run(restore, input=script, check=True, stdout=subprocess.DEVNULL)
        yield url


def run_ahead(dsn: str, *, of: str) -> None:
    """Use transaction numbers until one cluster is a little ahead of another."""
    with psycopg.connect(of, autocommit=True) as other, psycopg.connect(dsn, autocommit=True) as conn:
        use_numbers(conn, until=read_number(other) + 500)


def use_numbers(conn: psycopg.Connection, *, until: int) -> None:
    while read_number(conn) < until:
        pass


def read_number(conn: psycopg.Connection) -> int:
    return (conn.execute("select pg_current_xact_id()::text::bigint").fetchone() or (0,))[0]


@pytest.mark.parametrize("settle", [migrate, adopt])
def test_a_restore_into_another_cluster_repeats_nothing(restored: str, settle: Callable[..., object]) -> None:
    settle(restored, app_name="thunder-backend")
    settings = {"DATABASE_URL_DIRECT": restored, "THUNDER_SECRET": SECRET, "THUNDER_ADMIN_KEY": ADMIN_KEY}
    with (
        server_thread(restored, INGEST_AUTH="open", **settings) as server,
        psycopg.connect(restored, autocommit=True) as conn,
        open_socket(server) as socket,
    ):
        use_numbers(conn, until=read_number(conn) + 1000)
        assert server.ingest(make_document("new")).status == 201
        assert receive_ids(socket) == ["new"]
        assert {row["request_id"] for row in server.get("/logs").json["data"]} == {*OLD, "new"}
