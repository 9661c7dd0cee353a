"""Where the embedded Postgres listens: one socket in a private directory."""

import contextlib
import tempfile
from pathlib import Path

from core.local.cluster import read_pid_file
from core.local.programs import Programs

PORT = 5432
SOCKET_PREFIX = "thunder-"


def make_socket_dir(programs: Programs) -> Path:
    """Make a private directory (0700) for the socket.

    Not in the data directory: a socket's path may have 107 bytes, and when we are root, the account that Postgres runs
    as may not get there. Not in TMPDIR either, which may be as long.
    """
    directory = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir="/tmp"))
    programs.give(directory)
    return directory


def find_socket_dir(cluster: Path) -> Path | None:
    """Return the socket directory of a run that was killed; its pid file names it."""
    lines = read_pid_file(cluster)
    return Path(lines[4]) if len(lines) > 4 else None  # its fifth line


def remove_socket_dir(directory: Path | None) -> None:
    """Remove a socket directory of ours, if nothing else is in it."""
    if directory is not None and directory.name.startswith(SOCKET_PREFIX):
        clear_socket_dir(directory)
        with contextlib.suppress(OSError):
            directory.rmdir()


def clear_socket_dir(directory: Path) -> None:
    """Remove the socket of a dead server, and its lock: its pid may be another's by now."""
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (directory / name).unlink(missing_ok=True)
