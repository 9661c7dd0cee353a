"""The files of the embedded Postgres: create them completely or not at all, and clean up after a killed run.

initdb, the postmaster and all their children inherit a descriptor of `<data_dir>/postgres.alive` with an exclusive
lock. The kernel keeps the lock while any of these processes runs and releases it when the last one ends, however it
ends. A pid file is less reliable, because its pid may have been reused by another program.
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
    """Create the cluster if it doesn't exist, under a temporary name that is changed when it is complete.

    Raises:
        EmbeddedPostgresError: if initdb fails, or if another version of Postgres created the cluster.
    """
    if cluster.exists():
        version = (cluster / "PG_VERSION").read_text().strip()
        if version != MAJOR_VERSION:
            raise EmbeddedPostgresError(f"{cluster}: created by PostgreSQL {version}; use {MAJOR_VERSION}")
        return
    unfinished = cluster.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(mode=0o700)
        programs.give(unfinished)
        run_initdb(programs, unfinished, log=data_dir / "initdb.log", alive=alive, durable=durable)
        unfinished.rename(cluster)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)  # after a failed initdb


def run_initdb(programs: Programs, directory: Path, *, log: Path, alive: int, durable: bool) -> None:
    """Initialize an empty directory: UTF-8, with the same sort order (code points) on every machine."""
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
        raise EmbeddedPostgresError(f"initdb: too slow ({INIT_SECONDS} s); its log ends:\n{read_tail(log)}") from None
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise EmbeddedPostgresError(f"initdb: failed; its log ends:\n{read_tail(log)}")


def allow_users(cluster: Path, os_users: Sequence[str]) -> None:
    """Allow only the named operating-system users to connect, over the socket, verified by the kernel (peer)."""
    mapped = "".join(f'{ROLE} "{name}" {ROLE}\n' for name in os_users)
    (cluster / "pg_ident.conf").write_text(mapped)
    (cluster / "pg_hba.conf").write_text(f"local all {ROLE} peer map={ROLE}\n")


def find_own_name() -> str:
    """Return the name of the current operating-system user."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedPostgresError(f"user {os.geteuid()}: has no name in /etc/passwd; set DATABASE_URL") from None


def await_predecessor(cluster: Path, alive: int) -> None:
    """Take the lock; if the Postgres of a killed run still holds it, stop that Postgres first.

    Raises:
        EmbeddedPostgresError: if the old Postgres does not stop.
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
    raise EmbeddedPostgresError(f"{cluster}: in use by the Postgres of a killed run, which does not stop; kill it")


def take_lock(descriptor: int, *, seconds: float) -> bool:
    """Try for a number of seconds to take an exclusive lock, and return whether it succeeded."""
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
    """Remove the pid file of a dead postmaster. If another program has its pid now, Postgres would refuse to start.

    A Postgres that was started by hand does not hold the lock of the data directory. Its pid file stays, and the
    embedded Postgres refuses to start.
    """
    pid = read_postmaster_pid(cluster)
    if pid is not None and not runs_postgres(pid):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def runs_postgres(pid: int) -> bool:
    """Return whether a process is a running Postgres. Zombies don't count; containers may not reap them."""
    if Path("/proc/self").exists():
        try:
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")
        except OSError:
            return False
        return name.endswith("(postgres") and not rest.startswith("Z")
    shown = subprocess.run(["/bin/ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True, check=False)  # noqa: S603 - a number
    # ps shows a zombie as (postgres).
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
