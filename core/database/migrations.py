"""Schema changes: raw SQL files, forward only, each applied once, in order, in a transaction of its own."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString, cast

import psycopg

from core.database.sql import SQL_DIR, load_query
from core.errors import ThunderError

CONNECT_TIMEOUT_S = 10
ADVISORY_LOCK = 0x7468756E646572
"""'thunder' in ASCII: whoever holds it is migrating."""

_CREATE_LEDGER = load_query("database/create_ledger")
_LOCK_MIGRATIONS = load_query("database/lock_migrations")
_FIND_LEDGER = load_query("database/find_ledger")
_LIST_APPLIED = load_query("database/list_applied")
_INSERT_APPLIED = load_query("database/insert_applied")


class MigrationError(ThunderError):
    """The database and the migration files disagree."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `sql/migrations/`: `0001_traces.sql` has version 1."""

    version: int
    name: str
    statements: LiteralString

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, kept with the applied version: an edited migration is noticed."""
        return hashlib.sha256(self.statements.encode()).hexdigest()


def list_migrations() -> list[Migration]:
    """Every migration of this version of Thunder, in order."""
    return [
        Migration(
            version=int(re.match(r"\d{4}", path.stem)[0]),  # type: ignore[index]  # a file without a number is a bug
            name=path.stem,
            statements=cast("LiteralString", path.read_text(encoding="utf-8")),
        )
        for path in sorted((SQL_DIR / "migrations").glob("*.sql"))
    ]


LATEST_VERSION = len(list_migrations())


def migrate(dsn: str) -> list[str]:
    """Apply what is pending and return its names. Two runs at once take turns.

    Args:
        dsn: a direct connection; a transaction pooler would do, but a migration outlives its patience.

    Raises:
        MigrationError: an applied migration is not the file that is here.
    """
    with _connect(dsn) as conn:
        with conn.transaction():
            conn.execute(_LOCK_MIGRATIONS, {"lock": ADVISORY_LOCK})
            conn.execute(_CREATE_LEDGER)
        return [migration.name for migration in list_migrations() if _apply(conn, migration)]


def read_status(dsn: str) -> list[tuple[str, bool]]:
    """Each migration's name and whether the database has it."""
    with _connect(dsn) as conn:
        applied = _read_applied(conn)
    return [(migration.name, migration.version in applied) for migration in list_migrations()]


@contextmanager
def _connect(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, prepare_threshold=None) as conn:
        yield conn


def _read_applied(conn: psycopg.Connection) -> dict[int, str]:
    if conn.execute(_FIND_LEDGER).fetchone() == (None,):
        return {}
    return dict(conn.execute(_LIST_APPLIED).fetchall())


def _apply(conn: psycopg.Connection, migration: Migration) -> bool:
    with conn.transaction():
        conn.execute(_LOCK_MIGRATIONS, {"lock": ADVISORY_LOCK})
        checksum = _read_applied(conn).get(migration.version)
        if checksum == migration.checksum:
            return False
        if checksum is not None:
            raise MigrationError(
                f"migration {migration.name} was applied with another text: never edit an applied one, add the next"
            )
        conn.execute(migration.statements)
        conn.execute(
            _INSERT_APPLIED,
            {"version": migration.version, "name": migration.name, "checksum": migration.checksum},
        )
        return True


def read_schema_version(dsn: str) -> int:
    """The highest applied version, 0 for an empty database."""
    with _connect(dsn) as conn:
        return max(_read_applied(conn), default=0)
