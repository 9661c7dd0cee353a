"""Schema migrations: raw SQL files, forward only, each applied once and in order, in its own transaction."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString, NamedTuple, cast

import psycopg

from core.database.direct import connect
from core.database.query import SQL_DIR, query
from core.errors import ThunderError
from core.settings import DEFAULT_APP_NAME

ADVISORY_LOCK = 0x7468756E646572
"""'thunder' in ASCII. Held during a migration."""
PENDING = "migrations are pending"
"""The words by which `make deploy` recognizes this state."""


class MigrationError(ThunderError):
    """The database does not match the migration files, or belongs to another app."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `sql/migrations/`: `0002_create_requests.sql` has version 2."""

    version: int
    name: str
    statements: LiteralString

    @property
    def checksum(self) -> str:
        """The SHA-256 of the file. It is stored with the applied version, to detect edited migrations."""
        return hashlib.sha256(self.statements.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Stamp:
    """The app that a database belongs to, the time of the stamp, and the schema version."""

    app_name: str
    stamped_at: datetime
    schema_version: int


class Applied(NamedTuple):
    """An applied migration."""

    version: int
    checksum: str


CREATE_LEDGER = query("database/create_ledger")
LOCK_MIGRATIONS = query("database/lock_migrations")
FIND_LEDGER = query("database/find_ledger", str)
LIST_APPLIED = query("database/list_applied", Applied)
INSERT_APPLIED = query("database/insert_applied")
FIND_ENVIRONMENT = query("database/find_environment", str)
GET_STAMP = query("database/get_stamp", Stamp)
INSERT_STAMP = query("database/insert_stamp")
UPDATE_STAMP_VERSION = query("database/update_stamp_version")
UPDATE_STAMP_APP = query("database/update_stamp_app")
SETTLE_POSITIONS = query("database/settle_positions")


def list_migrations() -> list[Migration]:
    """Return every migration of this version of Thunder, in order."""
    return [
        Migration(
            version=int(path.stem[:4]),
            name=path.stem,
            statements=cast("LiteralString", path.read_text(encoding="utf-8")),
        )
        for path in sorted((SQL_DIR / "migrations").glob("*.sql"))
    ]


LATEST_VERSION = len(list_migrations())


def migrate(dsn: str, *, app_name: str = DEFAULT_APP_NAME) -> list[str]:
    """Apply the pending migrations and return their names. Concurrent runs wait for each other.

    After a restore into another cluster, streams are also kept from sending the restored requests again.

    Args:
        dsn: a direct connection; a pooler may time out during a long migration.
        app_name: the app that the database must belong to. A database without a stamp gets this one.

    Raises:
        MigrationError: an applied migration differs from its file, or the database belongs to another app. Nothing
            was changed.
    """
    with connect(dsn) as conn:
        with _turn(conn, app_name):
            CREATE_LEDGER.run(conn)
        applied = [migration.name for migration in list_migrations() if _apply(conn, migration, app_name)]
        with _turn(conn, app_name) as stamp:
            _note_version(conn, stamp)
            SETTLE_POSITIONS.run(conn)
        return applied


def read_stamp(dsn: str) -> Stamp | None:
    """Return the stamp of a database, or None if it has none yet."""
    with connect(dsn) as conn:
        return _read_stamp(conn)


def adopt(dsn: str, *, app_name: str) -> Stamp | None:
    """Transfer a migrated database to another app after current writes end, and return its previous stamp.

    Raises:
        MigrationError: the database is not migrated, so it has no stamp table.
    """
    if not app_name.strip():
        raise MigrationError("--app-name: empty; give the name of an app")
    with connect(dsn) as conn, conn.transaction():
        LOCK_MIGRATIONS.run(conn, lock=ADVISORY_LOCK)
        if not _is_stampable(conn):
            raise MigrationError(f"database: not migrated; run `manage.py migrate` to make it {app_name}'s")
        previous = _read_stamp(conn)
        if previous is None:
            INSERT_STAMP.run(conn, app_name=app_name)
        elif previous.app_name != app_name:
            UPDATE_STAMP_APP.run(conn, app_name=app_name)
        SETTLE_POSITIONS.run(conn)
        return previous


def read_status(dsn: str) -> list[tuple[str, bool]]:
    """Return the name of each migration and whether it is applied."""
    with connect(dsn) as conn:
        applied = _read_applied(conn)
    return [(migration.name, migration.version in applied) for migration in list_migrations()]


def _read_applied(conn: psycopg.Connection) -> dict[int, str]:
    return dict(LIST_APPLIED.run(conn).fetchall()) if FIND_LEDGER.run_only(conn) else {}


def _is_stampable(conn: psycopg.Connection) -> bool:
    return FIND_ENVIRONMENT.run_only(conn) is not None


def _read_stamp(conn: psycopg.Connection) -> Stamp | None:
    if not _is_stampable(conn):
        return None
    return GET_STAMP.run(conn).fetchone()


@contextmanager
def _turn(conn: psycopg.Connection, app_name: str) -> Iterator[Stamp | None]:
    """Run a transaction that excludes other migrations, on a database that belongs to this app or has no stamp."""
    with conn.transaction():
        LOCK_MIGRATIONS.run(conn, lock=ADVISORY_LOCK)
        stamp = _read_stamp(conn)
        if stamp is not None:
            require_app(stamp, app_name)
        yield stamp
        if stamp is None and _is_stampable(conn):
            INSERT_STAMP.run(conn, app_name=app_name)


def require_app(stamp: Stamp, app_name: str) -> None:
    """Refuse the database of another app, even if it lacks the migration with require_stamp().

    Raises:
        MigrationError: the stamp names another app.
    """
    if stamp.app_name != app_name:
        raise MigrationError(
            f"database: belongs to {stamp.app_name}; this app is {app_name}; set DATABASE_URL to a database of "
            f"{app_name}, or take over this one with `manage.py adopt --app-name {app_name}`"
        )


def _note_version(conn: psycopg.Connection, stamp: Stamp | None) -> None:
    """Update the stamp's version after the migrations: doing it in their transactions could deadlock with writes."""
    if stamp is not None and stamp.schema_version != (version := max(_read_applied(conn))):
        UPDATE_STAMP_VERSION.run(conn, schema_version=version)


def _apply(conn: psycopg.Connection, migration: Migration, app_name: str) -> bool:
    with _turn(conn, app_name):
        checksum = _read_applied(conn).get(migration.version)
        if checksum == migration.checksum:
            return False
        if checksum is not None:
            raise _difference_error(migration)
        conn.execute(migration.statements)
        INSERT_APPLIED.run(conn, version=migration.version, name=migration.name, checksum=migration.checksum)
        return True


def _difference_error(migration: Migration) -> MigrationError:
    """Return the error for a migration whose applied text differs from its file."""
    if migration.version == 1:
        return MigrationError(
            "database: a development version of Thunder created it, with another schema; export the traces with that "
            "version (`manage.py export --what traces --output traces.jsonl.zst`), then `manage.py import` the file "
            "into an empty database (for the embedded one, move .thunder away first)"
        )
    return MigrationError(
        f"migration {migration.name}: the applied text differs from the file; restore the file and add a new migration"
    )


def check_applied(dsn: str) -> int:
    """Return the highest applied version, 0 for an empty database.

    Raises:
        MigrationError: an applied migration differs from its file.
    """
    with connect(dsn) as conn:
        applied = _read_applied(conn)
    for migration in list_migrations():
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise _difference_error(migration)
    return max(applied, default=0)
