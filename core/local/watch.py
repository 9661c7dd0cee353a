"""The embedded Postgres is started again when it ends by itself: killed, out of memory, or out of disk."""

import contextlib
import logging
import signal
import subprocess
import threading
import time
from collections.abc import Generator

from core.errors import ThunderError
from core.local.cluster import read_tail
from core.local.postgres import EmbeddedPostgres
from core.local.signals import undisturbed
from core.logging import DATABASE

log = logging.getLogger(DATABASE)

LOOK_SECONDS = 0.2
"""How often it is looked at."""
LASTING_SECONDS = 10
"""A server that ended sooner had not recovered: the next start waits."""
LONGEST_PAUSE_SECONDS = 30


@contextlib.contextmanager
def kept_running(server: EmbeddedPostgres) -> Generator[None]:
    """Start the server again whenever it ends, for the length of the block; with a sentence in the log."""
    leaving = threading.Event()
    watcher = threading.Thread(target=_watch, args=(server, leaving), name="embedded-postgres")
    watcher.start()
    try:
        yield
    finally:
        with undisturbed():
            leaving.set()
            watcher.join()


def _watch(server: EmbeddedPostgres, leaving: threading.Event) -> None:
    pause, launched_at = 0.0, -float("inf")
    while not leaving.wait(LOOK_SECONDS):
        if server.exit_code is None:
            continue
        lasted = time.monotonic() - launched_at > LASTING_SECONDS
        pause = 0.0 if lasted else min(max(1.0, 2 * pause), LONGEST_PAUSE_SECONDS)
        log.warning("%s; it is started again%s", describe_end(server), f" in {pause:.0f} s" if pause else "")
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
    """How the server ended; if it stopped by itself, with why, which quotes no statement (LAPTOP_SETTINGS)."""
    code = server.exit_code or 0
    if code <= 0:
        how = f"was killed ({signal.Signals(-code).name})" if code else "was stopped"
        return f"the embedded Postgres {how}"
    files = (server.data_dir / "postgres.log", *(server.data_dir / "postgres" / "log").glob("*.log"))
    lines = read_tail(*files).splitlines()
    said = [line for mark in ("FATAL:", "PANIC:") for line in lines if mark in line]
    return f"the embedded Postgres stopped (exit code {code})" + (f": {said[-1].strip()}" if said else "")
