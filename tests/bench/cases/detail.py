"""GET /logs/{id}: the whole log, packed as a browser takes it and unpacked, and once more when the client has it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import psycopg

from tests.bench.case import Case, Group
from tests.bench.measure import Measured, alternate, time_call
from tests.bench.payload import build_trace, with_id
from tests.bench.stage import AS_ADMIN, Server, Stage, connect, new_id
from tests.bench.wire import Wire, encode

SIZES = (150, 300, 1800)
FLOOR = "the stored log's bytes, fetched by the request's id over one prepared connection"
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
        """The id of the trace of this length; it is stored when first asked for."""
        if tokens not in self.ids:
            self.ids[tokens] = new_id()
            self.server.ingest(with_id(build_trace(tokens), self.ids[tokens]))
        return self.ids[tokens]


@contextmanager
def open_scene(stage: Stage) -> Generator[Scene]:
    """One server, one client, one connection."""
    with stage.main.connect() as wire, connect(stage.main.dsn) as conn:
        yield Scene(stage, wire, conn, stage.main)


def read(tokens: int, scene: Scene, *, headers: dict[str, str], again: bool = False) -> Measured:
    """Read one log; `again` with the version that was read before."""
    name = scene.get(tokens)
    first = scene.wire.expect(200, encode("GET", f"/logs/{name}", {**AS_ADMIN, **headers}))
    known = {"If-None-Match": first.headers["etag"]} if again else {}
    request = encode("GET", f"/logs/{name}", {**AS_ADMIN, **headers, **known})
    status = 304 if again else 200

    def fetch() -> float:
        return time_call(lambda: scene.conn.cursor(binary=True).execute(FETCH, [name]).fetchone())

    return alternate(lambda: scene.wire.time(status, request), fetch, n=scene.stage.choose(200, 25))


GROUP = Group(
    "detail",
    open_scene,
    [
        Case(
            f"log of {tokens} tokens, {words}",
            FLOOR,
            partial(read, tokens, headers=headers, again=again),
            target,
            is_slow=tokens == SIZES[0],
        )
        for words, headers, again, target in (
            ("as a browser takes it", BROWSER, False, 2.0),
            ("unpacked", NO_HEADERS, False, 2.0),
            ("If-None-Match", BROWSER, True, None),
        )
        for tokens in SIZES
    ],
)
