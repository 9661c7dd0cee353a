"""PgBouncer in transaction mode in front of the test server, in place of Neon's pooled URL."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from pathlib import Path

import psycopg

from core.local.cluster import ROLE
from core.local.postgres import EmbeddedPostgres
from core.local.socket_directory import PORT

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
OS_USER = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
"""PgBouncer refuses to run as root."""
START_SECONDS = 60
# Stricter than Neon: no startup parameter is ignored, and idle server connections close early.
CONFIGURATION = """
[databases]
* = host={socket_dir} port={server_port} user={role}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 20
server_idle_timeout = 5
"""


@contextlib.contextmanager
def run_pgbouncer(server: EmbeddedPostgres, directory: Path) -> Generator[int]:
    """Run PgBouncer until the end of the block and return its port."""
    assert PROGRAM is not None
    port = find_free_port()
    file = directory / "pgbouncer.ini"
    places = {"socket_dir": server.socket_dir, "server_port": PORT, "role": ROLE, "port": port}
    file.write_text(CONFIGURATION.format(**places))
    directory.chmod(0o755)
    with (directory / "log").open("wb") as log, file.open("rb") as configuration:
        # Pass a descriptor, because the other user has no access to pytest's directory.
        command = [PROGRAM, f"/dev/fd/{configuration.fileno()}"]
        process = subprocess.Popen(
            command,
            cwd="/",
            pass_fds=[configuration.fileno()],
            stdout=log,
            stderr=log,
            user=OS_USER if os.geteuid() == 0 else None,
        )
    try:
        await_answer(pooled_dsn(port, "postgres"), directory / "log")
        yield port
    finally:
        process.terminate()
        process.wait()


def pooled_dsn(port: int, database: str) -> str:
    """Return the DSN of a database of the test server through PgBouncer."""
    return f"postgresql://{ROLE}@127.0.0.1:{port}/{database}"


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_answer(dsn: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
