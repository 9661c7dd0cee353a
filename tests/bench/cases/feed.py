"""GET /logs: a page of 50 among increasing numbers of requests, and with each filter."""

import json
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import psycopg

from core.access.hasher import Hasher
from core.feed.filters import Cursor, Sort
from core.feed.list import choose_listing
from core.feed.store import ListedRow
from core.traces.filters import Filters
from tests.bench.case import Case, Group
from tests.bench.fill import RARE_WORD, USERS, fill_collection, fill_requests
from tests.bench.measure import MS, Check, Measured, alternate, percentile, time_call
from tests.bench.payload import build_trace, with_id
from tests.bench.stage import AS_ADMIN, SECRET, Server, Stage, connect, new_id
from tests.bench.wire import JSON_TYPE, Wire, encode

SIZES = (1000, 10_000, 100_000)
QUICK_SIZES = SMALLEST, LARGEST = SIZES[0], SIZES[-1]
MAX_GROWTH = 1.2
TARGET = 1.5
HUGE = 1_000_000
HUGE_MS = 10
"""The allowed time of a first page by the number of requests."""
LIMIT = 50
FLOOR = "the same SQL on one connection with prepared statements, rows as tuples"


@dataclass(frozen=True)
class Asked:
    """A page, as a request of the client and as a statement."""

    query: dict[str, Any] = field(default_factory=dict[str, Any])
    filters: Filters = field(default_factory=Filters)
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    sort: Sort = Sort.CREATED


@dataclass(frozen=True)
class Feed:
    """A server with this number of requests, a client and a connection."""

    server: Server
    wire: Wire
    conn: psycopg.Connection
    collection: int

    def ask(self, asked: Asked) -> bytes:
        """Return the request for a page."""
        return encode("GET", f"/logs?{urlencode({'limit': LIMIT, **asked.query})}", AS_ADMIN)

    def fetch(self, asked: Asked) -> list[ListedRow]:
        """Fetch the rows of the page from the database alone."""
        after: dict[str, Any] = {"after_id": None, "after_created": None, "after_confidence": None}
        page = {"collection_id": None, "brief": False, "limit": LIMIT + 1, "offset": 0, **after, **asked.parameters}
        listing, parameters = choose_listing(asked.sort, asked.filters, page)
        return listing.run(self.conn, **parameters).fetchall()


@dataclass
class Scene:
    """A feed of each length, created on first use."""

    stage: Stage
    stack: ExitStack
    feeds: dict[int, Feed] = field(default_factory=dict[int, Feed])

    def get(self, size: int) -> Feed:
        """Return the feed of this length."""
        if size not in self.feeds:
            self.feeds[size] = self.stack.enter_context(open_feed(self.stage, size))
        return self.feeds[size]


@contextmanager
def open_scene(stage: Stage) -> Generator[Scene]:
    """Prepare without a feed."""
    with ExitStack() as stack:
        yield Scene(stage, stack)


@contextmanager
def open_feed(stage: Stage, size: int) -> Generator[Feed]:
    """Fill a database and serve it."""
    with stage.serve() as server, server.connect() as wire, connect(server.dsn) as conn:
        source = new_id()
        server.ingest(with_id(build_trace(60), source))
        fill_requests(conn, source, size - 1)
        if not stage.quick:
            conn.execute("vacuum requests")
        body = json.dumps({"name": "bench"}).encode()
        made = wire.expect(201, encode("POST", "/collections", {**AS_ADMIN, **JSON_TYPE}, body))
        collection = int(json.loads(made.body)["collection"]["id"])
        fill_collection(conn, collection)
        yield Feed(server, wire, conn, collection)


def read_page(size: int, choose: Callable[[Feed], Asked], scene: Scene) -> Measured:
    """Read a page; for the largest feed, alternate with the smallest."""
    feed, smallest = scene.get(size), scene.get(SMALLEST)
    asked, less = choose(feed), choose(smallest)
    small: list[float] = []

    def read() -> float:
        if size == LARGEST:
            small.append(smallest.wire.time(200, smallest.ask(less)))
        return feed.wire.time(200, feed.ask(asked))

    measured = alternate(read, lambda: time_call(lambda: feed.fetch(asked)), n=scene.stage.choose(100, 15), warmup=6)
    if not small:
        return measured
    growth = measured.median / (MS * percentile(small[6:], 0.5))
    measured.checks.append(Check(f"{growth:.2f} of its time at {SMALLEST}", growth <= MAX_GROWTH))
    measured.notes.append(f"{min(len(feed.fetch(asked)), LIMIT)} rows")
    return measured


def read_huge(choose: Callable[[Feed], Asked], scene: Scene) -> Measured:
    """Read the first page of the largest feed."""
    feed = scene.get(HUGE)
    asked = choose(feed)
    measured = alternate(
        lambda: feed.wire.time(200, feed.ask(asked)), lambda: time_call(lambda: feed.fetch(asked)), n=20, warmup=3
    )
    measured.checks.append(Check(f"at most {HUGE_MS} ms", measured.median <= HUGE_MS))
    return measured


def ask_filtered(feed: Feed, **filters: Any) -> Asked:
    """Filter by one or two fields."""
    del feed
    query = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in filters.items()}
    return Asked(query, Filters(**filters))


def ask_by_time(feed: Feed) -> Asked:
    """Filter by a time that ends some time ago."""
    now = datetime.now(UTC)
    return ask_filtered(feed, created_from=now - timedelta(hours=15), created_to=now - timedelta(hours=10))


def ask_collection(feed: Feed) -> Asked:
    """Filter by a collection."""
    return Asked({"collection_id": feed.collection}, parameters={"collection_id": feed.collection})


def ask_user(feed: Feed) -> Asked:
    """Filter by a user."""
    del feed
    return Asked({"api_key": USERS[3]}, Filters(owner=Hasher(SECRET.encode()).hash_user_key(USERS[3])))


def ask_least_sure(feed: Feed) -> Asked:
    """Read in the order of confidence."""
    del feed
    return Asked({"sort": "confidence"}, sort=Sort.CONFIDENCE)


def ask_further(feed: Feed) -> Asked:
    """Read from the middle."""
    (count,) = feed.conn.execute("select count(*)::int from requests").fetchone() or (0,)
    path = f"/logs?limit=1&offset={count // 2}"
    cursor = json.loads(feed.wire.expect(200, encode("GET", path, AS_ADMIN)).body)["next_cursor"]
    place = Cursor.read(cursor, Sort.CREATED)
    return Asked({"cursor": cursor}, parameters={"after_id": place.id, "after_created": place.created})


def ask_first(feed: Feed) -> Asked:
    """Read without a filter."""
    del feed
    return Asked()


FILTERS: dict[str, Callable[[Feed], Asked]] = {
    "model": partial(ask_filtered, model="model-1"),
    "mod": partial(ask_filtered, mod="nudge"),
    "tag": partial(ask_filtered, tag="review"),
    "favorited_by": partial(ask_filtered, favorited_by="ann"),
    "created_from, created_to": ask_by_time,
    "min_confidence": partial(ask_filtered, min_confidence=0.9),
    "max_confidence": partial(ask_filtered, max_confidence=0.1),
    "has_exception": partial(ask_filtered, has_exception=True),
    "q, a rare word": partial(ask_filtered, q=RARE_WORD),
    "q, a word of every text": partial(ask_filtered, q="the"),
    "q, no text has it": partial(ask_filtered, q="nosuchword"),
    "collection_id": ask_collection,
    "api_key": ask_user,
    "sort=confidence": ask_least_sure,
    "cursor, half way": ask_further,
}

GROUP = Group(
    "feed",
    open_scene,
    [
        *(
            Case(f"feed at {size}", FLOOR, partial(read_page, size, ask_first), TARGET, is_slow=size not in QUICK_SIZES)
            for size in SIZES
        ),
        *(
            Case(f"feed at {LARGEST}, {name}", FLOOR, partial(read_page, LARGEST, ask), TARGET)
            for name, ask in FILTERS.items()
        ),
        *(
            Case(f"feed at {HUGE}{name and ', '}{name}", FLOOR, partial(read_huge, ask), is_slow=True)
            for name, ask in {"": ask_first, **FILTERS}.items()
        ),
    ],
)
