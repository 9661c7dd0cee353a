"""The embedded Postgres's files: made once and whole, free of whatever a killed run left behind.

A descriptor of `<data_dir>/postgres.alive`, exclusively locked, is inherited by initdb, by the postmaster and by all
that they fork. While any of them lives the kernel keeps the lock; when the last dies, however it dies, it is gone.
That says what a pid file cannot: a pid in it may by now belong to somebody else.
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from core.local.programs import MAJOR_VERSION, EmbeddedPostgresError, Programs

ROLE = "thunder"
ALIVE_FILE = "postgres.alive"
INIT_SECONDS = 180
FAST_STOP_SECONDS = 30
IMMEDIATE_STOP_SECONDS = 10


def make_cluster(programs: Programs, data_dir: Path, cluster: Path, *, alive: int, durable: bool) -> None:
    """Make the cluster if there is none yet, under another name first: a half-made one never gets its name.

    Raises:
        EmbeddedPostgresError: if initdb fails, or if the cluster is of another version of Postgres.
    """
    if cluster.exists():
        version = (cluster / "PG_VERSION").read_text().strip()
        if version != MAJOR_VERSION:
            raise EmbeddedPostgresError(f"{cluster} is of PostgreSQL {version}; this is PostgreSQL {MAJOR_VERSION}")
        return
    unfinished = cluster.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    programs.give(unfinished)
    run_initdb(programs, unfinished, log=data_dir / "initdb.log", alive=alive, durable=durable)
    unfinished.rename(cluster)


def run_initdb(programs: Programs, directory: Path, *, log: Path, alive: int, durable: bool) -> None:
    """Fill an empty directory: UTF-8, sorted by code point on every machine alike."""
    arguments = [
        f"--pgdata={programs.name_for(directory)}",
        f"--username={ROLE}",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--auth=reject",
        *([] if durable else ["--no-sync"]),
    ]
    process = programs.launch("initdb", arguments, directory, log, alive)
    try:
        process.wait(INIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise EmbeddedPostgresError(f"initdb took over {INIT_SECONDS} s\n{read_tail(log)}") from None
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise EmbeddedPostgresError(f"initdb failed\n{read_tail(log)}")


def admit(cluster: Path, os_users: Sequence[str]) -> None:
    """Write who may connect: over the socket, the named users of this machine alone, known by the kernel's word."""
    mapped = "".join(f'{ROLE} "{name}" {ROLE}\n' for name in os_users)
    (cluster / "pg_ident.conf").write_text(mapped)
    (cluster / "pg_hba.conf").write_text(f"local all {ROLE} peer map={ROLE}\n")


def own_name() -> str:
    """Return the name of the user we run as."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedPostgresError(f"user {os.geteuid()} has no name (/etc/passwd): set DATABASE_URL") from None


def await_predecessor(cluster: Path, alive: int) -> None:
    """Take the lock; if a killed run's Postgres still holds it, stop that one first.

    Raises:
        EmbeddedPostgresError: if it does not go.
    """
    if take_lock(alive, seconds=0.5):
        forget_stale_pid(cluster)
        return
    for how, seconds in ((signal.SIGINT, FAST_STOP_SECONDS), (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS)):
        pid = read_postmaster_pid(cluster)
        if pid is not None and runs_postgres(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
        if take_lock(alive, seconds=seconds):
            return
    raise EmbeddedPostgresError(f"the Postgres of a killed run still uses {cluster} and does not stop")


def take_lock(descriptor: int, *, seconds: float) -> bool:
    """Try for so long to get an exclusive lock; say whether it was got."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def forget_stale_pid(cluster: Path) -> None:
    """Remove a dead postmaster's pid file if its pid went to another program, which Postgres takes for its own kind.

    A Postgres that somebody started by hand holds no lock of ours. Its pid file stays, and Postgres refuses beside it.
    """
    pid = read_postmaster_pid(cluster)
    if pid is not None and not runs_postgres(pid):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def runs_postgres(pid: int) -> bool:
    """Whether a process is a Postgres that still runs: in a container whose pid 1 reaps nobody, dead ones linger."""
    if Path("/proc/self").exists():
        try:
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")
        except OSError:
            return False
        return name.endswith("(postgres") and not rest.startswith("Z")
    shown = subprocess.run(["/bin/ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True, check=False)  # noqa: S603 - a number
    # A dead one is shown as (postgres).
    return shown.stdout.strip().endswith("postgres")


def read_postmaster_pid(cluster: Path) -> int | None:
    """Return the pid in the cluster's pid file, if there is one."""
    lines = read_pid_file(cluster)
    return abs(int(lines[0])) if lines and lines[0].strip("-").isdigit() else None


def read_pid_file(cluster: Path) -> list[str]:
    """Return the pid file's lines: pid, data directory, start time, port, socket directory and more."""
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def read_tail(*logs: Path, lines: int = 20) -> str:
    """Return the last lines of some logs, oldest log first."""
    there = sorted((log for log in logs if log.is_file()), key=lambda log: log.stat().st_mtime)
    text = "\n".join(log.read_text(errors="replace") for log in there)
    return "\n".join(text.splitlines()[-lines:])
