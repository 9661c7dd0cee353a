"""Bytes on disk: all tables, indexes and TOAST of a trace, compared with the best compression of the trace."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psycopg

from core.wire.zstandard import zstd
from tests.bench.case import Case, Group
from tests.bench.measure import Check, Measured
from tests.bench.payload import build_trace, with_id
from tests.bench.stage import Server, Stage, connect, new_id, read_processor_seconds

SIZES = (60, 300, 1800)
BEST_LEVEL = 19
MAX_SHARE = 0.25
FLOOR = "the trace as it is posted, compressed by zstd -19"
SIZE = """
select sum(pg_total_relation_size(oid))::bigint from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True)
class Spent:
    """Bytes of all tables, bytes of WAL, and processor seconds of the server and of Postgres."""

    size: int
    wal: int
    server: float
    database: float


@dataclass(frozen=True)
class Scene:
    """A server, and a connection to its database."""

    stage: Stage
    server: Server
    conn: psycopg.Connection

    def look(self) -> Spent:
        """Return the present totals."""
        server = read_processor_seconds(self.server.process.pid)
        database = read_processor_seconds(self.stage.postgres.pid)
        wal = self.conn.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()
        self.conn.execute("vacuum")
        size = self.conn.execute(SIZE).fetchone()
        return Spent((size or (0,))[0], (wal or (0,))[0], server, database)


@contextmanager
def open_scene(stage: Stage) -> Generator[Scene]:
    """Start a server with its own database, which no other case writes to."""
    with stage.serve() as server, connect(server.dsn) as conn:
        yield Scene(stage, server, conn)


def store(tokens: int, scene: Scene) -> Measured:
    """Store different traces of one length, and measure the growth of the database."""
    count = max(scene.stage.choose(12_000, 3600) // tokens, 2)
    bodies = [build_trace(tokens, seed=seed + 1) for seed in range(count)]
    best = [len(zstd.compress(body, BEST_LEVEL)) / tokens for body in bodies[: scene.stage.choose(3, 1)]]
    scene.server.ingest(with_id(bodies[0], new_id()))
    before = scene.look()
    for body in bodies:
        scene.server.ingest(with_id(body, new_id()))
    after = scene.look()
    stored, posted = (after.size - before.size) / count / tokens, sum(map(len, bodies)) / count / tokens
    check = Check(f"{stored / posted:.2f} of the {posted:.0f} B posted", stored / posted <= MAX_SHARE)
    processor = [1000 * spent / count for spent in (after.server - before.server, after.database - before.database)]
    logged = f"{(after.wal - before.wal) / count / tokens:.0f} B of WAL"
    used = f"each trace took {processor[0]:.0f} + {processor[1]:.0f} ms of processor, server + Postgres"
    return Measured([stored], best, checks=[check], notes=[logged, used])


GROUP = Group(
    "stored",
    open_scene,
    [
        Case(
            f"stored for a token, of {tokens}",
            FLOOR,
            partial(store, tokens),
            3.0,
            unit="B",
            is_slow=tokens == SIZES[-1],
        )
        for tokens in SIZES
    ],
)
