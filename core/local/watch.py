"""Restart the embedded Postgres when it ends unexpectedly: killed, out of memory, or out of disk space."""

import contextlib
import logging
import signal
import subprocess
import threading
import time
from collections.abc import Generator

from core.errors import ThunderError
from core.local.postgres import EmbeddedPostgres
from core.local.signals import ignoring_signals
from core.logging import DATABASE

log = logging.getLogger(DATABASE)

LOOK_SECONDS = 0.2
"""The interval between checks."""
LASTING_SECONDS = 10
"""A server that ended sooner has not recovered, so the next start is delayed."""
LONGEST_PAUSE_SECONDS = 30


@contextlib.contextmanager
def kept_running(server: EmbeddedPostgres) -> Generator[None]:
    """Restart the server whenever it ends while the block runs, and log it."""
    leaving = threading.Event()
    watcher = threading.Thread(target=_watch, args=(server, leaving), name="embedded-postgres")
    watcher.start()
    try:
        yield
    finally:
        with ignoring_signals():
            leaving.set()
            watcher.join()


def _watch(server: EmbeddedPostgres, leaving: threading.Event) -> None:
    pause, launched_at = 0.0, -float("inf")
    while not leaving.wait(LOOK_SECONDS):
        if server.exit_code is None:
            continue
        lasted = time.monotonic() - launched_at > LASTING_SECONDS
        pause = 0.0 if lasted else min(max(1.0, 2 * pause), LONGEST_PAUSE_SECONDS)
        log.warning("%s; restarting%s", describe_end(server), f" in {pause:.0f} s" if pause else "")
        if leaving.wait(pause):
            return
        launched_at = time.monotonic()
        _restart(server)


def _restart(server: EmbeddedPostgres) -> None:
    try:
        server.restart()
    except (ThunderError, OSError, subprocess.SubprocessError) as error:
        log.warning("the embedded Postgres cannot be started: %s", error)


def describe_end(server: EmbeddedPostgres) -> str:
    """Describe how the server ended. The reason comes from its log, which contains no statements (LAPTOP_SETTINGS)."""
    code = server.exit_code or 0
    if code <= 0:
        how = f"was killed ({signal.Signals(-code).name})" if code else "was stopped"
        return f"the embedded Postgres {how}"
    lines = server.read_log().splitlines()
    fatal = [line for mark in ("FATAL:", "PANIC:") for line in lines if mark in line]
    return f"the embedded Postgres stopped (exit code {code})" + (f": {fatal[-1].strip()}" if fatal else "")
