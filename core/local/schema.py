"""Dump schemas with pg_dump: the result of all migrations (`sql/schema.sql`), or the schema of any database."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from core.database.direct import connect
from core.database.migrations import migrate
from core.errors import ThunderError
from core.local.postgres import TEST_SETTINGS, start_embedded
from core.local.programs import EmbeddedPostgresError, find_install

DUMP_SECONDS = 60

HEADER = """\
-- The current schema: the result of all migrations. Written by `make schema`; don't edit it by hand.
-- tests/database/test_schema.py compares this file with the migrations.
"""
CURRENT_HEADER = "-- The schema of a database, written by `manage.py schema`.\n"

# Before the first object, pg_dump writes only settings for the session that restores the dump.
_PREAMBLE = re.compile(r"\A.*?(?=^--\n-- Name: )", re.DOTALL | re.MULTILINE)
_NOISE = re.compile(
    r"^--\n(?:-- .*\n)+--\n"  # the title of each object, and the one at the end
    r"|^SET default_\w+ = .*;\n"  # the defaults of every database
    r"|^\\(?:un)?restrict .*\n",  # a random word, different in each dump
    re.MULTILINE,
)
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


class SchemaDumpError(ThunderError):
    """pg_dump failed; the message is pg_dump's."""


def write_schema() -> str:
    """Migrate a new, empty database and return its schema."""
    with tempfile.TemporaryDirectory() as directory, start_embedded(Path(directory), settings=TEST_SETTINGS) as server:
        migrate(server.dsn)
        return dump_schema(server.dsn, bin_dir=server.bin_dir)


def write_current_schema(dsn: str) -> str:
    """Return the schema of a database, as pg_dump writes it.

    Args:
        dsn: a direct connection.

    Raises:
        SchemaDumpError: no pg_dump on this machine supports the server's version, or pg_dump failed or took too long.
        psycopg.OperationalError: the database does not answer.
    """
    with connect(dsn) as conn:
        major = conn.info.server_version // 10_000
    program = next((one for one in list_pg_dumps() if read_version(one) >= major), None)
    if program is None:
        raise SchemaDumpError(f"pg_dump: not found for PostgreSQL {major}; install its client programs")
    return clean_dump(run_pg_dump(program, dsn), header=CURRENT_HEADER)


def list_pg_dumps() -> Iterator[Path]:
    """Yield each pg_dump on this machine: the one of the embedded Postgres, and the one on the PATH."""
    with contextlib.suppress(EmbeddedPostgresError):
        yield find_install() / "bin" / "pg_dump"
    if found := shutil.which("pg_dump"):
        yield Path(found)


def read_version(program: Path) -> int:
    """Return the major version of a Postgres program, or 0 if it does not run here."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=DUMP_SECONDS, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return 0
    found = _VERSION.search(done.stdout)
    return int(found[1]) if found else 0


def dump_schema(dsn: str, *, bin_dir: Path) -> str:
    """Return the schema of a database. Equal schemas give equal texts.

    Args:
        dsn: a direct connection.
        bin_dir: the directory of pg_dump, which must have the server's version or a later one.

    Raises:
        SchemaDumpError: pg_dump failed or took too long.
    """
    return clean_dump(run_pg_dump(bin_dir / "pg_dump", dsn))


def run_pg_dump(program: Path, dsn: str) -> str:
    """Return the output of pg_dump. The password is not on the command line, where other users could read it."""
    parts = conninfo_to_dict(dsn)
    password = parts.pop("password", None)
    command = [program, "--schema-only", "--no-owner", "--no-privileges", "--dbname", make_conninfo("", **parts)]
    env = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DUMP_SECONDS, check=True, env=env)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise SchemaDumpError(f"pg_dump: did not finish within {DUMP_SECONDS} s; try again") from None
    except subprocess.CalledProcessError as error:
        raise SchemaDumpError(f"pg_dump: {error.stderr.strip()}") from None
    return done.stdout


def clean_dump(dump: str, *, header: str = HEADER) -> str:
    """Reduce a dump to its statements, separated by blank lines."""
    statements = _NOISE.sub("", _PREAMBLE.sub("", dump))
    return header + "\n" + re.sub(r"\n{3,}", "\n\n", statements.strip()) + "\n"
