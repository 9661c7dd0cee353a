"""POST /v1/ingest: from the first byte sent to the 201, which comes after the commit."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial

from tests.bench.case import Case, Group
from tests.bench.measure import Measured, Timed, alternate
from tests.bench.parallel import alternate_rounds
from tests.bench.payload import build_trace, with_id
from tests.bench.rows import floor_of_ingest
from tests.bench.stage import Server, Stage, new_id
from tests.bench.wire import JSON_TYPE, encode

SIZES = (60, 300, 1800)
COMPARED = 150
"""Tokens of the smaller trace, with which docs/PERFORMANCE.md compares other systems."""
FLOOR = "orjson.loads of the body, COPY of the same rows and compressed documents, one commit"


@dataclass
class Posted:
    """A trace that is posted repeatedly under new ids, and stored once for the rows of the floor."""

    server: Server
    tokens: int

    @cached_property
    def body(self) -> bytes:
        """The posted body."""
        return build_trace(self.tokens)

    @cached_property
    def source(self) -> str:
        """The id under which it is stored."""
        name = new_id()
        self.server.ingest(with_id(self.body, name))
        return name

    def post(self) -> Generator[Timed]:
        """Return a client that posts."""
        with self.server.connect() as wire:
            yield lambda: wire.time(201, encode("POST", "/v1/ingest", JSON_TYPE, with_id(self.body, new_id())))

    def copy(self) -> Generator[Timed]:
        """Return a client of the floor."""
        yield from floor_of_ingest(self.server.dsn, self.source, self.body)


@dataclass
class Scene:
    """A server, and the traces to post."""

    stage: Stage
    server: Server
    posted: dict[int, Posted] = field(default_factory=dict[int, Posted])

    def get(self, tokens: int) -> Posted:
        """Return the trace of this length."""
        return self.posted.setdefault(tokens, Posted(self.server, tokens))


@contextmanager
def open_scene(stage: Stage) -> Generator[Scene]:
    """Start one server for all cases."""
    yield Scene(stage, stage.main)


def ingest_alone(tokens: int, scene: Scene) -> Measured:
    """Post with one client."""
    posted = scene.get(tokens)
    n = scene.stage.choose(max(30, min(100, 30_000 // tokens)), max(3, min(20, 3000 // tokens)))
    with contextmanager(posted.post)() as ours, contextmanager(posted.copy)() as floor:
        return alternate(ours, floor, n=n, warmup=scene.stage.choose(3, 1))


def ingest_together(tokens: int, scene: Scene, *, clients: int = 8) -> Measured:
    """Post with eight clients at the same time."""
    posted = scene.get(tokens)
    assert posted.source
    n, rounds = (max(3, min(25, 6000 // tokens)), 3) if not scene.stage.quick else (max(1, min(8, 600 // tokens)), 1)
    return alternate_rounds(posted.post, posted.copy, clients=clients, n=n, rounds=rounds)


GROUP = Group(
    "ingest",
    open_scene,
    [
        Case(
            f"ingest, {tokens} tokens, {words}",
            FLOOR,
            partial(run, tokens),
            target=2.0,
            is_slow=tokens == COMPARED or (run is ingest_together and tokens == SIZES[-1]),
        )
        for run, words, sizes in (
            (ingest_alone, "1 client", sorted((COMPARED, *SIZES))),
            (ingest_together, "8 clients", sorted((COMPARED, *SIZES))),
        )
        for tokens in sizes
    ],
)
