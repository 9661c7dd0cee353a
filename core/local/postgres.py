"""The embedded Postgres of `make run` and the tests: start it on a directory, get a DSN.

It listens on a socket in a private directory and accepts only the user who started it.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from core.local.cluster import (
    ALIVE_FILE,
    FAST_STOP_SECONDS,
    IMMEDIATE_STOP_SECONDS,
    allow_users,
    await_predecessor,
    find_own_name,
    make_cluster,
    read_tail,
    take_lock,
)
from core.local.data_directory import using_directory
from core.local.lock import DirectoryLock, lock_directory
from core.local.programs import EmbeddedPostgresError, Programs, find_programs
from core.local.socket_directory import (
    PORT,
    clear_socket_dir,
    find_socket_dir,
    make_dsn,
    make_socket_dir,
    remove_socket_dir,
)

DATABASE = "thunder"
START_SECONDS = 120

LAPTOP_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "shared_buffers": "128MB",
        "max_connections": "50",
        "timezone": "UTC",
        # Keep a week of logs; each file is overwritten after a week. Clients receive their errors, so the log omits
        # them, and with them the text and values of statements. It hardly grows and contains no trace data.
        "logging_collector": "on",
        "log_directory": "log",
        "log_filename": "postgres-%a.log",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        "log_checkpoints": "off",
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
    }
)

TEST_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        # No data outlives a test, so none has to reach the disk.
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "autovacuum": "off",
        "max_connections": "200",
    }
)


Launch = Callable[[int], subprocess.Popen[bytes]]
"""Starts the postmaster, which inherits the given descriptor."""


class EmbeddedPostgres:
    """A running Postgres. A context manager: leaving it stops the server."""

    def __init__(  # noqa: PLR0913 - the parts of a running server
        self, launch: Launch, *, alive: int, data_dir: Path, programs: Programs, socket_dir: Path, lock: DirectoryLock
    ) -> None:
        self._launch = launch
        self._process = launch(alive)
        self._lock = lock
        self.data_dir = data_dir
        self.bin_dir = programs.bin_dir
        self.socket_dir = socket_dir
        self.dsn = self.dsn_of(DATABASE)

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code of the postmaster; None while it runs."""
        return self._process.poll()

    def dsn_of(self, database: str) -> str:
        """Return the DSN of another database of this server."""
        return make_dsn(self.socket_dir, database)

    def read_log(self) -> str:
        """Return the last lines of its logs."""
        return read_tail(self.data_dir / "postgres.log", *(self.data_dir / "postgres" / "log").glob("*.log"))

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create a database as a copy of a template that has no open connections, and return its DSN.

        Raises:
            psycopg.errors.DuplicateDatabase: if a database of that name exists.
        """
        # A database name cannot be a parameter, so this statement is composed here instead of read from sql/.
        statement = sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        with psycopg.connect(self.dsn_of("postgres"), autocommit=True) as conn:
            conn.execute(statement)
        return self.dsn_of(name)

    def drop_database(self, name: str) -> None:
        """Drop a database and close the connections to it."""
        statement = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        with psycopg.connect(self.dsn_of("postgres"), autocommit=True) as conn:
            conn.execute(statement)

    def announce(self, url: str) -> None:
        """Write the served URL to the lock file, so that a second process can print it."""
        self._lock.announce(url)

    def restart(self) -> None:
        """Start the server again on the same files and DSNs, without waiting until it answers.

        Raises:
            EmbeddedPostgresError: if processes of the previous server do not end.
        """
        stop_process(self._process)
        with (self.data_dir / ALIVE_FILE).open("w") as alive:
            await_predecessor(self.data_dir / "postgres", alive.fileno())
            clear_socket_dir(self.socket_dir)
            self._process = self._launch(alive.fileno())

    def stop(self) -> None:
        """End every session, flush all data to disk, and return when the server has stopped."""
        try:
            stop_process(self._process)
            # The logging process ends slightly later than the postmaster.
            with (self.data_dir / ALIVE_FILE).open("w") as alive:
                take_lock(alive.fileno(), seconds=IMMEDIATE_STOP_SECONDS)
        finally:
            shutil.rmtree(self.socket_dir, ignore_errors=True)
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_embedded(
    data_dir: Path, *, settings: Mapping[str, str] | None = None, os_users: Sequence[str] = ()
) -> EmbeddedPostgres:
    """Start Postgres on a directory. The first start creates the directory (0700) and the database `thunder`.

    Args:
        data_dir: Where all files are kept. Data that a killed run left there is recovered.
        settings: Server settings in addition to `LAPTOP_SETTINGS`, for example `TEST_SETTINGS`.
        os_users: Other operating-system users who may connect, for example a pooler's.

    Raises:
        AlreadyRunningError: if another process uses the directory.
        DataDirectoryError: if the directory cannot be created, read or written.
        EmbeddedPostgresError: if Postgres cannot run here; the message ends with the tail of its log.
    """
    chosen = {**LAPTOP_SETTINGS, **(settings or {})}
    with using_directory(data_dir):
        lock = lock_directory(data_dir)
        try:
            server = launch_server(data_dir.resolve(), chosen, [find_own_name(), *os_users], lock)
        except BaseException:
            lock.release()
            raise
    try:
        await_ready(server)
        with contextlib.suppress(psycopg.errors.DuplicateDatabase):
            server.create_database(DATABASE)
    except BaseException:
        server.stop()
        raise
    return server


def launch_server(
    data_dir: Path, settings: Mapping[str, str], os_users: Sequence[str], lock: DirectoryLock
) -> EmbeddedPostgres:
    """Create missing files, remove leftovers of a killed run, and start the postmaster without waiting for it."""
    cluster = data_dir / "postgres"
    programs = find_programs(cluster if cluster.exists() else data_dir)
    with (data_dir / ALIVE_FILE).open("w") as alive:
        left_over = find_socket_dir(cluster)
        await_predecessor(cluster, alive.fileno())
        remove_socket_dir(left_over)
        make_cluster(programs, data_dir, cluster, alive=alive.fileno(), durable=settings.get("fsync") != "off")
        allow_users(cluster, os_users)
        socket_dir = make_socket_dir(programs)
        arguments = list_arguments(programs.name_for(cluster), socket_dir, settings)
        launch = partial(programs.launch, "postgres", arguments, cluster, data_dir / "postgres.log")
        return EmbeddedPostgres(
            launch, alive=alive.fileno(), data_dir=data_dir, programs=programs, socket_dir=socket_dir, lock=lock
        )


def list_arguments(cluster: str, socket_dir: Path, settings: Mapping[str, str]) -> list[str]:
    """Return the postmaster's arguments: no TCP, one socket, the settings."""
    fixed = {"listen_addresses": "", "unix_socket_directories": str(socket_dir), "port": str(PORT)}
    return ["-D", cluster, *(f"--{name}={value}" for name, value in {**settings, **fixed}.items())]


def await_ready(server: EmbeddedPostgres) -> None:
    """Wait until the server accepts connections, including the time for crash recovery."""
    address = make_conninfo(server.dsn_of("postgres"), connect_timeout=5).encode()
    deadline = time.monotonic() + START_SECONDS
    while pq.PGconn.ping(address) != pq.Ping.OK:
        gone = server.exit_code is not None
        if gone or time.monotonic() > deadline:
            why = "stopped at once" if gone else f"is not ready after {START_SECONDS} s"
            raise EmbeddedPostgresError(f"embedded Postgres: {why}; its log ends:\n{server.read_log()}")
        time.sleep(0.02)


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Stop the postmaster with a fast shutdown, then an immediate one, then SIGKILL."""
    for how, seconds in ((signal.SIGINT, FAST_STOP_SECONDS), (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS)):
        if process.poll() is None:
            os.kill(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
    process.kill()
    process.wait()
