"""A temporary server for a chore, if no server is running."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from functions.client.connection import Connection, RefusedError

MANAGE = Path(__file__).parents[2] / "manage.py"
START_SECONDS = 120
STOP_SECONDS = 60


@contextmanager
def running_server(connection: Connection) -> Iterator[bool]:
    """Use the running server, or start one as `make run` does. Yields whether it was already running.

    Raises:
        RefusedError: the started server does not answer. Its messages are on standard error.
    """
    if connection.answers():
        yield True
        return
    # In its own session, so that Ctrl-C ends the chore first, which then stops the server.
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(MANAGE), "run"], stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            _await_answer(connection, process)
            yield False
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_SECONDS)


def _await_answer(connection: Connection, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not connection.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RefusedError(f"{connection.url}: no server could be started; see its messages above")
        time.sleep(0.2)
