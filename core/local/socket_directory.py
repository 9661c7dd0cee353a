"""The socket of the embedded Postgres, in a private directory."""

import contextlib
import tempfile
from pathlib import Path
from urllib.parse import quote

from core.local.cluster import ROLE, read_pid_file
from core.local.programs import Programs

PORT = 5432
SOCKET_PREFIX = "thunder-"


def make_socket_dir(programs: Programs) -> Path:
    """Create a private directory (0700) for the socket.

    It is not in the data directory, because the path of a socket is limited to 107 bytes, and because the account that
    Postgres runs as may lack access there if we are root. It is not in TMPDIR, whose path may be as long.
    """
    directory = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir="/tmp"))
    programs.give(directory)
    return directory


def find_socket_dir(cluster: Path) -> Path | None:
    """Return the socket directory that the pid file of a running or killed Postgres names."""
    lines = read_pid_file(cluster)
    return Path(lines[4]) if len(lines) > 4 else None  # its fifth line


def make_dsn(directory: Path, database: str) -> str:
    """Return the DSN of a database of the server with this socket directory."""
    return f"postgresql://{ROLE}@/{quote(database, safe='')}?host={quote(str(directory), safe='/')}&port={PORT}"


def remove_socket_dir(directory: Path | None) -> None:
    """Remove a socket directory that Thunder made, if it contains no other files."""
    if directory is not None and directory.name.startswith(SOCKET_PREFIX):
        clear_socket_dir(directory)
        with contextlib.suppress(OSError):
            directory.rmdir()


def clear_socket_dir(directory: Path) -> None:
    """Remove the socket of a dead server and its lock file, whose pid may have been reused."""
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (directory / name).unlink(missing_ok=True)
