"""Each call with a database ten milliseconds away, so that its time shows the number of round trips."""

import itertools
import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg

from tests.bench.case import Case, Group
from tests.bench.measure import MS, Check, Measured
from tests.bench.payload import build_trace, with_id
from tests.bench.proxy import Proxy, run_proxy
from tests.bench.stage import AS_ADMIN, Server, Stage, new_id
from tests.bench.wire import JSON_TYPE, Wire, encode

DELAY_MS = 10.0
COUNTED_AT_MS, COUNTED_QUICKLY_AT_MS = 50.0, 20.0
"""Delay of a round trip while trips are counted: long enough that other work of a call does not count as one."""
LONG = 4
"""Multiple of this delay for slow calls."""
MAX_TRIPS = 2
FLOOR = "10 ms, once"
USER = "quote-user-2"
SIZES = (60, 300, 1800)


@dataclass(frozen=True)
class Known:
    """The objects that the calls read."""

    bodies: dict[int, bytes]
    request_id: str
    collection: int
    share: str
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)


@dataclass(frozen=True)
class Scene:
    """A server behind a proxy, and a client of it."""

    stage: Stage
    server: Server
    proxy: Proxy
    wire: Wire
    known: Known


Make = Callable[[Scene], bytes]
"""Returns an encoded request, a new one each time if the call can't be repeated. It may make other calls first."""


@contextmanager
def open_scene(stage: Stage) -> Generator[Scene]:
    """Start a server whose pool reaches Postgres through the proxy."""
    direct = stage.make_database()
    database = psycopg.conninfo.conninfo_to_dict(direct)["dbname"]
    with (
        run_proxy(stage.postgres) as proxy,
        stage.serve(direct, pooled=proxy.dsn_of(str(database))) as server,
        server.connect() as wire,
    ):
        yield Scene(stage, server, proxy, wire, prepare(wire))


def prepare(wire: Wire) -> Known:
    """Store the objects that the calls read."""
    bodies, name = {tokens: build_trace(tokens) for tokens in SIZES}, new_id()
    wire.expect(201, encode("POST", "/v1/ingest", JSON_TYPE, with_id(bodies[300], name)))
    made = wire.expect(201, write("POST", "/collections", {"name": "bench"}))
    share = wire.expect(200, write("POST", f"/logs/{name}/public", {}))
    wire.expect(201, write("POST", f"/logs/{name}/discussions", {"username": "ann", "comment": "first"}))
    collection, token = json.loads(made.body)["collection"]["id"], json.loads(share.body)["public_token"]
    return Known(bodies, name, collection, token)


def write(method: str, path: str, content: dict[str, Any], key: str | None = None) -> bytes:
    """Return a call with a small body."""
    headers = {"X-API-Key": key} if key else AS_ADMIN
    return encode(method, path, {**headers, **JSON_TYPE}, json.dumps(content).encode())


def call(status: int, make: Make, scene: Scene, *, max_trips: int | None = None) -> Measured:
    """Measure the call at ten milliseconds, and count its trips by the increase for each further millisecond."""
    away = COUNTED_QUICKLY_AT_MS if scene.stage.quick else COUNTED_AT_MS
    away *= 1 if max_trips is None else LONG
    near = min(repeat(scene, status, make, delay_ms=0, n=scene.stage.choose(3, 2)))
    far = min(repeat(scene, status, make, delay_ms=away, n=scene.stage.choose(3, 2)))
    ours = repeat(scene, status, make, delay_ms=DELAY_MS, n=scene.stage.choose(20, 3))
    trips = (far - near) / away
    text = f"{trips:.1f} trips"
    if max_trips is None:
        return Measured(ours, [DELAY_MS], MS / (sum(ours) / len(ours)), notes=[text])
    return Measured(ours, [DELAY_MS], MS / (sum(ours) / len(ours)), [Check(text, round(trips) <= max_trips)])


def repeat(scene: Scene, status: int, make: Make, *, delay_ms: float, n: int) -> list[float]:
    """Return the milliseconds of each call. Preparations are not delayed."""
    values: list[float] = []
    for _ in range(n + 1):
        scene.proxy.set_delay(0)
        request = make(scene)
        scene.proxy.set_delay(delay_ms / MS)
        values.append(MS * scene.wire.time(status, request))
    scene.proxy.set_delay(0)
    return values[1:]


def post_trace(tokens: int, scene: Scene) -> bytes:
    """Return a post of a new trace."""
    return encode("POST", "/v1/ingest", JSON_TYPE, with_id(scene.known.bodies[tokens], new_id()))


def post_again(scene: Scene) -> bytes:
    """Return a post of the same id, which replaces the trace."""
    return encode("POST", "/v1/ingest", JSON_TYPE, with_id(scene.known.bodies[300], scene.known.request_id))


def get(path: str, scene: Scene, *, key: str | None = None, known: bool = False) -> bytes:
    """Return a GET. {id}, {collection} and {share} in its path stand for the stored objects."""
    one = scene.known
    filled = path.format(id=one.request_id, collection=one.collection, share=one.share)
    headers = {"X-API-Key": key} if key else AS_ADMIN
    if known:
        tag = scene.wire.expect(200, encode("GET", filled, headers)).headers["etag"]
        headers = {**headers, "If-None-Match": tag}
    return encode("GET", filled, headers)


def send(path: str, content: dict[str, Any], scene: Scene, *, key: str | None = None) -> bytes:
    """Return a POST. {n} in its texts stands for a new number each time."""
    one, number = scene.known, next(scene.known.numbers)
    filled = {name: value.format(n=number, id=one.request_id) for name, value in content.items()}
    return write("POST", path.format(id=one.request_id, collection=one.collection), filled, key)


def score(scene: Scene) -> bytes:
    """Return a call that scores a trace."""
    return encode("POST", "/v1/score", {**AS_ADMIN, **JSON_TYPE}, scene.known.bodies[300])


def delete(scene: Scene) -> bytes:
    """Store a request, and return a call that deletes it."""
    name = new_id()
    scene.wire.expect(201, encode("POST", "/v1/ingest", JSON_TYPE, with_id(scene.known.bodies[60], name)))
    return encode("DELETE", f"/logs/{name}", AS_ADMIN)


COMMENT = {"username": "ann", "comment": "{n}"}
MEMBER = {"request_id": "{id}"}
CALLS: list[tuple[str, int, Make]] = [
    ("POST /v1/ingest, the same id again", 201, post_again),
    ("GET /logs", 200, partial(get, "/logs")),
    ("GET /logs, If-None-Match", 304, partial(get, "/logs", known=True)),
    ("GET /logs, a user's key", 200, partial(get, "/logs", key=USER)),
    ("GET /logs/{id}", 200, partial(get, "/logs/{id}")),
    ("GET /logs/{id}, If-None-Match", 304, partial(get, "/logs/{id}", known=True)),
    ("GET /logs/{id}, a user's key", 200, partial(get, "/logs/{id}", key=USER)),
    ("GET /logs/{id}/trace", 200, partial(get, "/logs/{id}/trace")),
    ("GET /logs/api-keys", 200, partial(get, "/logs/api-keys")),
    ("GET /share/request/{token}", 200, partial(get, "/share/request/{share}")),
    ("POST /v1/score", 200, score),
    ("GET /v1/confidence/{id}", 200, partial(get, "/v1/confidence/{id}")),
    ("GET /v1/confidence/summary", 200, partial(get, "/v1/confidence/summary")),
    ("GET /v1/mods", 200, partial(get, "/v1/mods")),
    ("GET /logs/{id}/tags", 200, partial(get, "/logs/{id}/tags")),
    ("POST /logs/{id}/tags", 200, partial(send, "/logs/{id}/tags", {"tag": "tag-{n}"})),
    ("POST /logs/{id}/tags, a user's key", 200, partial(send, "/logs/{id}/tags", {"tag": "tag-{n}"}, key=USER)),
    ("POST /logs/{id}/favorite", 200, partial(send, "/logs/{id}/favorite", {"name": "ann-{n}"})),
    ("GET /logs/{id}/discussions", 200, partial(get, "/logs/{id}/discussions")),
    (
        "POST /logs/{id}/discussions",
        201,
        partial(send, "/logs/{id}/discussions", COMMENT),
    ),
    ("GET /collections", 200, partial(get, "/collections")),
    ("POST /collections", 201, partial(send, "/collections", {"name": "bench-{n}"})),
    ("GET /collections/{n}", 200, partial(get, "/collections/{collection}")),
    (
        "POST /collections/{n}/requests",
        200,
        partial(send, "/collections/{collection}/requests", MEMBER),
    ),
    ("POST /logs/{id}/public", 200, partial(send, "/logs/{id}/public", {})),
    ("GET /logs/{id}/outcome", 200, partial(get, "/logs/{id}/outcome")),
    ("GET /auth/me", 200, partial(get, "/auth/me")),
    ("GET /auth/me, a user's key", 200, partial(get, "/auth/me", key=USER)),
    ("GET /health", 200, partial(get, "/health")),
    ("DELETE /logs/{id}", 200, delete),
]
QUICK = {
    "GET /logs",
    "GET /logs, a user's key",
    "GET /logs/{id}",
    "GET /logs/{id}, If-None-Match",
    "POST /v1/score",
    "POST /logs/{id}/tags",
    "GET /auth/me",
}

GROUP = Group(
    "trips",
    open_scene,
    [
        *(
            Case(
                f"10 ms away: POST /v1/ingest, {tokens} tokens",
                FLOOR,
                partial(call, 201, partial(post_trace, tokens), max_trips=MAX_TRIPS),
                is_slow=tokens == SIZES[-1],
            )
            for tokens in SIZES
        ),
        *(
            Case(f"10 ms away: {name}", FLOOR, partial(call, status, make), is_slow=name not in QUICK)
            for name, status, make in CALLS
        ),
    ],
)
