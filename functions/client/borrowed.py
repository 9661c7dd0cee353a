"""A server for as long as a chore needs one, where none is running."""

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
    """Use the server that answers there, or else run one like `make run` does; say whether it was there.

    Raises:
        RefusedError: the one that was started does not answer; its own words are on standard error.
    """
    if connection.answers():
        yield True
        return
    # Its own session: a Ctrl-C in the terminal ends the chore first, and then, in order, the server.
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
            raise RefusedError(f"no server could be started at {connection.url}")
        time.sleep(0.2)
