"""The system that fails: a Postgres on a small disk with its own clock, two servers, and a proxy in front of each."""

import contextlib
import random
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.database.migrations import migrate
from core.errors import ThunderError
from core.local import programs
from core.local.postgres import EmbeddedPostgres, await_ready, start_embedded
from tests.support.clock import Clock, build_clock
from tests.support.disk import Disk, mount_disk
from tests.support.processes import Server, proxied, served, socket_of
from tests.support.proxy import Proxy

DISK_MB = 1500
SERVERS = 2
NAME = "thunder"


@dataclass(frozen=True, slots=True)
class World:
    """Everything that can fail. `disk` and `clock` are None if this machine does not allow them."""

    postgres: EmbeddedPostgres
    database: Proxy
    servers: list[Server]
    fronts: list[Proxy]
    disk: Disk | None
    clock: Clock | None

    @property
    def dsn(self) -> str:
        """The database without the proxy."""
        return self.postgres.dsn_of(NAME)

    @property
    def proxies(self) -> list[Proxy]:
        return [self.database, *self.fronts]

    def revive(self) -> None:
        """Start everything that has stopped, and end the faults of the network."""
        for proxy in self.proxies:
            proxy.delay_s = proxy.refused = proxy.dropped = 0.0
        if self.disk is not None:
            self.disk.free()
        self.revive_postgres()
        for server in self.servers:
            if server.process is None or server.process.poll() is not None:
                server.kill()
                server.start()

    def revive_postgres(self) -> None:
        """Start Postgres again if it has stopped."""
        for attempt in range(5):
            try:
                if self.postgres.exit_code is not None:
                    self.postgres.restart()
                await_ready(self.postgres)
            except ThunderError:
                if attempt == 4:
                    raise
            else:
                return


@contextlib.contextmanager
def open_world(directory: Path, chance: random.Random) -> Generator[World]:
    """Start everything, and stop it after the block."""
    with contextlib.ExitStack() as stack:
        clock = stack.enter_context(build_clock())
        disk = stack.enter_context(mount_disk(DISK_MB))
        skewed = {} if clock is None else clock.environment
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        clean = programs.clean_environment
        patch.setattr(programs, "clean_environment", lambda: {**clean(), **skewed})
        postgres = stack.enter_context(start_embedded((disk.directory if disk else directory) / "data"))
        migrate(postgres.dsn_of(NAME))
        database = stack.enter_context(Proxy(lambda: socket_of(postgres), chance=random.Random(chance.random())))
        servers: list[Server] = []
        fronts: list[Proxy] = []
        settings = {**skewed, "DATABASE_URL_DIRECT": proxied(database, NAME)}
        for number in range(SERVERS):
            server = stack.enter_context(
                served(directory / f"server-{number}.log", proxied(database, NAME), **settings)
            )
            servers.append(server)
            fronts.append(stack.enter_context(make_front(server, chance)))
        yield World(postgres, database, servers, fronts, disk, clock)


def make_front(server: Server, chance: random.Random) -> Proxy:
    """Return a proxy between the clients and a server."""
    return Proxy(lambda: server.port, chance=random.Random(chance.random()))
