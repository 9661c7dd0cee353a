"""GET /logs/{id}: the first read of a log, which renders it, later reads, and reads of a known version."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import psycopg

from tests.bench.case import Case, Group
from tests.bench.measure import Check, Measured, alternate, time_call
from tests.bench.payload import build_trace, with_id
from tests.bench.stage import AS_ADMIN, Server, Stage, connect, new_id
from tests.bench.wire import Wire, encode

SIZES = (60, 322, 1800)
FLOOR = "the stored document's bytes, fetched by the request's id on one connection with prepared statements"
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}
NO_HEADERS: dict[str, str] = {}
FETCH = """
select request_traces.document from requests
inner join request_traces on requests.id = request_traces.request_pk
where requests.request_id = %s
"""


@dataclass
class Scene:
    """A server with a trace of each length, a client and a connection."""

    stage: Stage
    wire: Wire
    conn: psycopg.Connection
    server: Server
    ids: dict[int, str] = field(default_factory=dict[int, str])

    def get(self, tokens: int) -> str:
        """Return the id of the trace of this length, which is stored on first use."""
        if tokens not in self.ids:
            self.ids[tokens] = new_id()
            self.server.ingest(with_id(build_trace(tokens), self.ids[tokens]))
        return self.ids[tokens]

    def fetch(self, name: str) -> float:
        """Fetch a document from the database alone, and return the seconds."""
        return time_call(lambda: self.conn.cursor(binary=True).execute(FETCH, [name]).fetchone())


@contextmanager
def open_scene(stage: Stage) -> Generator[Scene]:
    """Start one server, one client and one connection."""
    with stage.main.connect() as wire, connect(stage.main.dsn) as conn:
        yield Scene(stage, wire, conn, stage.main)


def read_again(tokens: int, scene: Scene, *, headers: dict[str, str], goal: float, known: bool = False) -> Measured:
    """Read a log that this process has rendered; with `known`, a version that the client sends."""
    name = scene.get(tokens)
    first = scene.wire.expect(200, encode("GET", f"/logs/{name}", {**AS_ADMIN, **headers}))
    version = {"If-None-Match": first.headers["etag"]} if known else {}
    request = encode("GET", f"/logs/{name}", {**AS_ADMIN, **headers, **version})
    return judge(
        alternate(
            lambda: scene.wire.time(304 if known else 200, request),
            lambda: scene.fetch(name),
            n=scene.stage.choose(200, 25),
        ),
        goal,
    )


def read_first(tokens: int, scene: Scene, *, headers: dict[str, str], goal: float) -> Measured:
    """Read logs that no process has rendered."""
    count = scene.stage.choose(30, 5)
    names = [new_id() for _ in range(count + 1)]
    for name in names:
        scene.server.ingest(with_id(build_trace(tokens), name))
    left = iter(names)
    return judge(
        alternate(
            lambda: scene.wire.time(200, encode("GET", f"/logs/{next(left)}", {**AS_ADMIN, **headers})),
            lambda: scene.fetch(names[0]),
            n=count,
            warmup=1,
        ),
        goal,
    )


def judge(measured: Measured, goal: float) -> Measured:
    """Compare the median with a goal in milliseconds."""
    return replace(measured, checks=[Check(f"at most {goal:g} ms", measured.median <= goal)])


GOALS = {
    (60, "first"): 10,
    (322, "first"): 10,
    (1800, "first"): 50,
    (60, "again"): 2,
    (322, "again"): 2,
    (1800, "again"): 5,
}
"""Milliseconds for a log that is sent without compression."""

GROUP = Group(
    "detail",
    open_scene,
    [
        Case(
            f"log of {tokens} tokens, {which} read, {words}",
            FLOOR,
            partial(run, tokens, headers=headers, goal=GOALS[tokens, which]),
            is_slow=tokens == SIZES[0],
        )
        for which, run in (("first", read_first), ("again", read_again))
        for words, headers in (("zstd", BROWSER), ("unpacked", NO_HEADERS))
        for tokens in SIZES
    ]
    + [
        Case(
            f"log of {tokens} tokens, If-None-Match",
            FLOOR,
            partial(read_again, tokens, headers=BROWSER, goal=2, known=True),
        )
        for tokens in SIZES
    ],
)
