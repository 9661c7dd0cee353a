"""The embedded Postgres after kills, interrupted starts and errors of the file system."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from core.local import programs as embedded_programs
from core.local.cluster import MAJOR_VERSION, read_postmaster_pid
from core.local.data_directory import DataDirectoryError
from core.local.postgres import start_embedded
from core.local.programs import EmbeddedPostgresError, copy_install, find_install, find_programs, runs
from tests.support.embedded import is_alive, recall, remember, start

STARTER = """
import sys, time
from pathlib import Path
from core.local.postgres import start_embedded
server = start_embedded(Path(sys.argv[1]))
print(server.dsn, flush=True)
time.sleep(300)
"""
WAIT_SECONDS = 60


@contextlib.contextmanager
def started_elsewhere(data_dir: Path) -> Generator[tuple[subprocess.Popen[str], str]]:
    """A Postgres that another process started; that process is killed in the end and leaves it running."""
    with subprocess.Popen([sys.executable, "-c", STARTER, data_dir], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} does not end"
        time.sleep(0.02)


def test_an_orphaned_postgres_is_replaced_and_its_data_found(data_dir: Path) -> None:
    with started_elsewhere(data_dir) as (process, dsn):
        remember(dsn, 1)
        postmaster = read_postmaster_pid(data_dir / "postgres")
        process.kill()
        process.wait(WAIT_SECONDS)
    assert postmaster is not None
    assert is_alive(postmaster)
    with start(data_dir) as server:
        wait_until_gone(postmaster)
        assert recall(server.dsn) == [1]


def test_data_survives_killing_all_processes(data_dir: Path) -> None:
    for value in range(3):
        with started_elsewhere(data_dir) as (process, dsn):
            remember(dsn, value)
            postmaster = read_postmaster_pid(data_dir / "postgres")
            process.kill()
            assert postmaster is not None
            os.kill(postmaster, signal.SIGKILL)
            process.wait(WAIT_SECONDS)
    with start(data_dir) as server:
        assert recall(server.dsn) == [0, 1, 2]
    assert not Path(dsn.partition("host=")[2].partition("&")[0]).exists(), (
        "the socket directory of a killed run is left"
    )


def test_a_stale_pid_of_another_program_is_ignored(data_dir: Path) -> None:
    start(data_dir).stop()
    owner = (data_dir / "postgres").stat()
    # Postgres ignores processes that it may not signal, such as those of root. This one must belong to its own user.
    other = subprocess.Popen(["sleep", "300"], user=owner.st_uid if os.geteuid() == 0 else None)
    try:
        pid_file = data_dir / "postgres" / "postmaster.pid"
        pid_file.write_text(f"{other.pid}\n{data_dir}\n1\n5432\n/nowhere\n\n1 1\n")
        with start(data_dir) as server:
            remember(server.dsn, 1)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait(WAIT_SECONDS)


def test_an_interrupted_initdb_is_repeated(data_dir: Path) -> None:
    unfinished = data_dir / "postgres.new"
    unfinished.mkdir(parents=True)
    unfinished.joinpath("PG_VERSION").write_text(MAJOR_VERSION)
    with start(data_dir) as server:
        remember(server.dsn, 1)
    assert not unfinished.exists()


def test_a_start_killed_during_initdb_is_repeated(data_dir: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER, data_dir], stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + WAIT_SECONDS
        while not data_dir.joinpath("postgres.new", "global").exists():
            assert time.monotonic() < deadline, "initdb does not begin"
            time.sleep(0.005)
        process.kill()
    with start(data_dir) as server:
        remember(server.dsn, 1)


def test_a_failed_initdb_leaves_nothing_and_is_repeated(data_dir: Path) -> None:
    # Files are limited to 100 kB, so initdb fails when it copies the first catalogs.
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))" + STARTER
    failed = subprocess.run([sys.executable, "-c", limited, data_dir], capture_output=True, text=True, check=False)
    assert "EmbeddedPostgresError: initdb: failed" in failed.stderr
    assert not data_dir.joinpath("postgres.new").exists()
    assert not data_dir.joinpath("postgres").exists()
    with start(data_dir) as server:
        remember(server.dsn, 1)


def test_a_directory_that_cannot_be_created_is_one_sentence(data_dir: Path) -> None:
    data_dir.parent.joinpath("file").write_text("")
    inside = data_dir.parent / "file" / "data"
    sentence = (
        rf"^THUNDER_DATA_DIR: cannot use {inside} \(Not a directory\); make {inside} a directory that this user can"
    )
    with pytest.raises(DataDirectoryError, match=sentence):
        start(inside)


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="where even root can't make a directory")
def test_a_directory_without_permission_is_one_sentence() -> None:
    with pytest.raises(DataDirectoryError, match=r"^THUNDER_DATA_DIR: cannot use /sys/thunder \(.*\); make"):
        start(Path("/sys/thunder/data"))


def test_a_file_in_place_of_the_directory_is_one_sentence(data_dir: Path) -> None:
    data_dir.joinpath("initdb.log").mkdir(parents=True)
    with pytest.raises(DataDirectoryError, match=r"cannot use .*/data/initdb\.log \(Is a directory\); make"):
        start(data_dir)
    assert not data_dir.joinpath("postgres.new").exists()


def test_the_reason_of_a_failed_start_is_shown(data_dir: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"stopped at once(.|\n)*shared_buffers"):
        start_embedded(data_dir, settings={"shared_buffers": "plenty"})
    with start(data_dir) as server:
        remember(server.dsn, 1)


def test_data_of_another_version_is_rejected(data_dir: Path) -> None:
    data_dir.joinpath("postgres").mkdir(parents=True)
    data_dir.joinpath("postgres", "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match="created by PostgreSQL 16; use 18"):
        start(data_dir)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as somebody else")
def test_unreadable_programs_are_copied_when_running_as_root(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir.mkdir()
    package = find_install().parent
    closed = data_dir.parent / "site-packages"
    shutil.copytree(package / f"pginstall{MAJOR_VERSION}", closed / package.name / f"pginstall{MAJOR_VERSION}")
    shutil.copytree(package.parent / f"{package.name}.libs", closed / f"{package.name}.libs")
    cache = Path(tempfile.mkdtemp(dir="/var/tmp"))
    monkeypatch.setattr(embedded_programs, "PROGRAM_CACHE", cache)
    install = closed / package.name / f"pginstall{MAJOR_VERSION}"
    monkeypatch.setattr(embedded_programs, "find_install", lambda: install)
    try:
        with start(data_dir) as server:
            assert server.bin_dir.is_relative_to(cache)
            remember(server.dsn, 1)
        programs = find_programs(data_dir)
        assert programs.account is not None
        assert not runs(install / "bin", programs.account)
        assert copy_install(install) == programs.bin_dir.parent
    finally:
        shutil.rmtree(cache)
