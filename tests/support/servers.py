"""Servers in the test's own process, each in a thread and on its own port."""

import contextlib
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import pytest
import urllib3
import uvicorn
from fastapi import FastAPI

from tests.support.client import Client
from tests.support.environment import SETTINGS
from tests.support.keys import ADMIN_KEY

Serve = Callable[..., Client]
START_SECONDS = 60
KEEP_ALIVE_SECONDS = 600
"""Longer than any test. A client whose idle connection is closed at the moment of a call gets no answer."""
ALL_ENDPOINTS = "functions.api:web"


@dataclass(frozen=True)
class ServerThread:
    client: Client
    app: FastAPI

    def forget_guesses(self) -> None:
        """Reset the count of wrong keys, which would delay the answers to further ones."""
        self.app.state.context.guesses._guessers.clear()


@contextlib.contextmanager
def serving(factory: str = ALL_ENDPOINTS) -> Generator[ServerThread]:
    """Run a web function with the settings of the environment until the end of the block."""
    config = uvicorn.Config(
        factory,
        factory=True,
        port=0,
        log_level="warning",
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    with urllib3.PoolManager(maxsize=32, retries=False, timeout=60) as pool:
        thread.start()
        try:
            deadline = time.monotonic() + START_SECONDS
            while not server.started and thread.is_alive() and time.monotonic() < deadline:
                time.sleep(0.005)
            assert server.started, "the server did not start"
            port = server.servers[0].sockets[0].getsockname()[1]
            assert isinstance(config.loaded_app, FastAPI)
            yield ServerThread(Client(pool, f"http://127.0.0.1:{port}", ADMIN_KEY), config.loaded_app)
        finally:
            pool.clear()
            server.should_exit = True
            thread.join()


@contextlib.contextmanager
def start_thread(
    database_url: str | None = None, *, factory: str = ALL_ENDPOINTS, **settings: str
) -> Generator[ServerThread]:
    """Run a web function with these settings and no others. The environment is unchanged within the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name in SETTINGS:
            patch.delenv(name, raising=False)
        if database_url is not None:
            patch.setenv("DATABASE_URL", database_url)
        for name, value in {"THUNDER_ADMIN_KEY": ADMIN_KEY, **settings}.items():
            patch.setenv(name, value)
        with serving(factory) as server:
            patch.undo()
            yield server


@contextlib.contextmanager
def server_thread(
    database_url: str | None = None, *, factory: str = ALL_ENDPOINTS, **settings: str
) -> Generator[Client]:
    """Run a web function with these settings and no others, and return a client of the server."""
    with start_thread(database_url, factory=factory, **settings) as server:
        yield server.client
