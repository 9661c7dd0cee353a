"""Databases of the test Postgres: new ones, and one that all tests of a process share and that is reset before each."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import args_row

from core.local.postgres import EmbeddedPostgres
from tests.support import pgbouncer

TEMPLATE = "thunder_template"
LOCK_TIMEOUT = "5s"

# Everything but the rows: definitions, privileges, statistics. TRUNCATE changes nothing that this reads.
READ_STATE = """
select
    md5(concat(
        (select string_agg(a::text, '' order by attrelid, attnum) from pg_attribute as a where attrelid >= 16384),
        (select string_agg(p::text, '' order by oid) from pg_proc as p where oid >= 16384),
        (select string_agg(t::text, '' order by oid) from pg_trigger as t where oid >= 16384),
        (select string_agg(c::text, '' order by oid) from pg_constraint as c where oid >= 16384),
        (select string_agg(i::text, '' order by indexrelid) from pg_index as i where indexrelid >= 16384),
        (select string_agg(d::text, '' order by oid) from pg_attrdef as d where oid >= 16384),
        (select string_agg(r::text, '' order by oid) from pg_rewrite as r where oid >= 16384),
        (
            select string_agg(concat(c.oid, relname, relacl, reloptions, relrowsecurity), '' order by c.oid)
            from pg_class as c
            where c.oid >= 16384 and relkind <> 't'
        ),
        (select string_agg(n::text, '' order by oid) from pg_namespace as n where nspname not like 'pg\\_%'),
        (select string_agg(s::text, '') from pg_db_role_setting as s),
        (select count(*) from pg_statistic where starelid >= 16384)
    )) as definitions,
    array(
        select relname::text
        from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r' and pg_relation_size(oid) > 0
        order by oid
    ) as written
"""


@dataclass(frozen=True)
class State:
    definitions: str
    written: list[str]


@dataclass(frozen=True)
class Databases:
    """Migrated databases, as the server under test and as the test reach them."""

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
    """A migrated database that a test finds as migrations leave it, at the cost of emptying the tables in use."""

    databases: Databases
    name: str
    url: str = field(init=False)
    _definitions: str = field(init=False)
    _seeds: dict[str, list[str]] = field(init=False)
    """The rows that migrations insert, as composite literals."""

    def __post_init__(self) -> None:
        self.url = self.databases.create(self.name)
        with self._connect() as conn:
            state = _read_state(conn)
            self._definitions = state.definitions
            self._seeds = _read_rows(conn, state.written)

    def reset(self) -> None:
        """Empty the tables and restart the sequences, or replace the database if a test changed its definitions."""
        try:
            with self._connect() as conn:
                unchanged = self._empty(conn)
        except psycopg.errors.LockNotAvailable:
            unchanged = False
        if not unchanged:
            self.databases.drop(self.name)
            self.databases.create(self.name)

    def _connect(self) -> psycopg.Connection:
        # Triggers do not run: the audit log can't be emptied otherwise.
        options = f"-c lock_timeout={LOCK_TIMEOUT} -c session_replication_role=replica"
        return psycopg.connect(self.databases.reach(self.url), options=options)

    def _empty(self, conn: psycopg.Connection) -> bool:
        state = _read_state(conn)
        if state.definitions != self._definitions or not self._seeds.keys() <= set(state.written):
            return False
        changed = {table for table, rows in _read_rows(conn, self._seeds).items() if rows != self._seeds[table]}
        emptied = [sql.Identifier(table) for table in state.written if table not in self._seeds or table in changed]
        if emptied:
            conn.execute(sql.SQL("truncate {} restart identity cascade").format(sql.SQL(", ").join(emptied)))
        for table in changed:
            insert = sql.SQL("insert into {0} overriding system value select (row::{0}).* from unnest(%s::text[]) row")
            conn.execute(insert.format(sql.Identifier(table)), [self._seeds[table]])
        return True


def _read_state(conn: psycopg.Connection) -> State:
    (state,) = conn.cursor(row_factory=args_row(State)).execute(READ_STATE).fetchall()
    return state


def _read_rows(conn: psycopg.Connection, tables: Iterable[str]) -> dict[str, list[str]]:
    statement = sql.SQL("select t::text from {} t order by 1")
    return {table: [row for (row,) in conn.execute(statement.format(sql.Identifier(table)))] for table in tables}
