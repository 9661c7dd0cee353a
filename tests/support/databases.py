"""Databases of the test Postgres: new ones, and a shared one per process that is reset before each test."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from core.local.postgres import EmbeddedPostgres
from tests.support import pgbouncer

TEMPLATE = "thunder_template"
LOCK_TIMEOUT = "5s"

SMALL_BYTES = 1 << 19
_FIRST_OBJECT: LiteralString = "16384"  # the first oid after those of Postgres itself
_CATALOGS: dict[LiteralString, LiteralString] = {
    "pg_attribute": "attrelid",
    "pg_proc": "oid",
    "pg_trigger": "oid",
    "pg_constraint": "oid",
    "pg_index": "indexrelid",
    "pg_attrdef": "oid",
    "pg_rewrite": "oid",
    "pg_namespace": "case when nspname not like 'pg\\_%' then oid end",
    "pg_class": "case when relkind <> 't' then oid end",
    "pg_db_role_setting": f"{_FIRST_OBJECT} + 0 * setrole::bigint",
}
READ_DEFINITIONS: LiteralString = " union all ".join(
    [
        *(
            f"select '{name}', count(*), max(xmin::text::bigint) from {name} where {oid} >= {_FIRST_OBJECT}"
            for name, oid in _CATALOGS.items()
        ),
        f"select 'pg_statistic', count(*), 0 from pg_statistic where starelid >= {_FIRST_OBJECT}",
    ]
)
"""The state of everything except rows. A change of a definition gives its row in the catalog a newer transaction."""
LIST_WRITTEN = """
select relname::text, pg_relation_size(oid) from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'r' and pg_relation_size(oid) > 0
order by oid
"""
RESTART_SEQUENCES = """
select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
from pg_sequences where last_value is not null
"""


@dataclass(frozen=True)
class Databases:
    """Migrated databases, with their URLs for the server under test and for the test."""

    server: EmbeddedPostgres
    pooler_port: int | None

    def create(self, name: str) -> str:
        """Create a migrated database and return its URL, which goes through PgBouncer if the tests use it."""
        direct = self.server.create_database(name, template=TEMPLATE)
        return direct if self.pooler_port is None else pgbouncer.pooled_dsn(self.pooler_port, name)

    def drop(self, name: str) -> None:
        self.server.drop_database(name)

    def reach(self, url: str) -> str:
        """Return the direct URL of a database, for a test that reads or changes it without the server."""
        return self.server.dsn_of(str(conninfo_to_dict(url)["dbname"]))


@dataclass
class SharedDatabase:
    """A migrated database for one test after the other. Each test gets it in the state after the migrations.

    Deleting the rows of a test takes about 3 ms, creating and dropping a database about 70 ms.
    """

    databases: Databases
    name: str
    url: str = field(init=False)
    _definitions: list[tuple[str, int, int]] = field(init=False)
    _seeds: dict[str, list[str]] = field(init=False)
    """The rows that migrations insert, as composite literals."""
    _conn: psycopg.Connection = field(init=False)

    def __post_init__(self) -> None:
        self.url = self.databases.create(self.name)
        self._conn = self._connect()
        self._definitions = _read_definitions(self._conn)
        self._seeds = _read_rows(self._conn, [table for table, _ in _list_written(self._conn)])

    def reset(self) -> None:
        """Delete the rows of the previous test, or replace the database if that test changed more than rows."""
        try:
            with self._conn.transaction():
                unchanged = _read_definitions(self._conn) == self._definitions
                if unchanged:
                    self._delete_rows()
                    self._definitions = _read_definitions(self._conn)  # a truncation changes them
        except (psycopg.errors.LockNotAvailable, psycopg.OperationalError):
            unchanged = False
        if not unchanged:
            self.close()
            self.databases.drop(self.name)
            self.databases.create(self.name)
            self._conn = self._connect()
            self._definitions = _read_definitions(self._conn)

    def close(self) -> None:
        self._conn.close()

    def _connect(self) -> psycopg.Connection:
        # In the role of a replica no triggers run, so foreign keys set no order and the audit log can be emptied.
        options = f"-c lock_timeout={LOCK_TIMEOUT} -c session_replication_role=replica"
        return psycopg.connect(self.databases.reach(self.url), options=options, autocommit=True)

    def _delete_rows(self) -> None:
        execute = self._conn.execute
        written = _list_written(self._conn)
        # Wait for transactions that the previous test left running.
        tables = sql.SQL(", ").join(sql.Identifier(table) for table, _ in written)
        execute(sql.SQL("lock table {} in share row exclusive mode").format(tables))
        seeds = _read_rows(self._conn, self._seeds)
        for table, size in written:
            statement = "truncate {} cascade" if size > SMALL_BYTES else "delete from {}"
            if seeds.get(table, []) != self._seeds.get(table):
                execute(sql.SQL(statement).format(sql.Identifier(table)))
        for table, rows in self._seeds.items():
            if rows != seeds[table]:
                insert = "insert into {0} overriding system value select (row::{0}).* from unnest(%s::text[]) row"
                execute(sql.SQL(insert).format(sql.Identifier(table)), [rows])
        execute(RESTART_SEQUENCES)


def _read_definitions(conn: psycopg.Connection) -> list[tuple[str, int, int]]:
    return conn.execute(READ_DEFINITIONS).fetchall()


def _list_written(conn: psycopg.Connection) -> list[tuple[str, int]]:
    """List the tables that have had rows since they were created or truncated, with their sizes in bytes."""
    return conn.execute(LIST_WRITTEN).fetchall()


def _read_rows(conn: psycopg.Connection, tables: Iterable[str]) -> dict[str, list[str]]:
    statement = sql.SQL("select t::text from {} t order by 1")
    return {table: [row for (row,) in conn.execute(statement.format(sql.Identifier(table)))] for table in tables}
