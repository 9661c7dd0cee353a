"""The clients. Only one client at a time uses a request id, so that the order of its changes is known.

An engine posts a trace and passes its id on. A curator edits the request and may pass the id on. A deleter deletes the
request. Each client repeats a call until the answer is not caused by a fault, and writes every attempt to the ledger.
"""

import contextlib
import json
import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import urllib3

from tests.chaos.ledger import Ledger, digest
from tests.chaos.world import World
from tests.support.client import Answer, Client
from tests.support.documents import Document, action, call, make_document, masked, number, one_token
from tests.support.keys import ADMIN_KEY

USERS = ("key-of-the-first-user-in-chaos", "key-of-the-second-user-in-chaos")
NO_ANSWER = 0
PAUSE_S = 0.25
REST_S = 0.15
"""Mean time between two operations of a client."""
TIMEOUT_S = 25.0
KEPT, CURATED, DELETED = "kept", "curated", "deleted"


def make_trace(request_id: str, version: int, user: str, tokens: int) -> Document:
    """A small trace with a row in every table, whose text names its id and version."""
    logs = [{"mod_call_sequence": 0, "mod_name": "nudge", "log_message": f"of {request_id}"}]
    return make_document(
        request_id,
        number(one_token() * tokens),
        request={"user_api_key": user, "final_text": f"{request_id} {version}"},
        mod_calls=[call(1)],
        mod_logs=logs,
        actions=[action("Noop")],
    )


@dataclass(slots=True)
class Chaos:
    """The state that all clients share. After `stopping` they finish their operation; after `ending` they give up."""

    world: World
    ledger: Ledger
    stopping: threading.Event = field(default_factory=threading.Event)
    ending: threading.Event = field(default_factory=threading.Event)
    unsure: set[str] = field(default_factory=set[str])
    """Ids with an unanswered post. Such a trace may still be stored, even after the request was deleted."""
    for_readers: "queue.Queue[str]" = field(default_factory=queue.Queue)
    for_curators: "queue.Queue[str]" = field(default_factory=queue.Queue)
    for_deleters: "queue.Queue[str]" = field(default_factory=queue.Queue)


class Caller:
    """Sends requests to a random server."""

    def __init__(self, chaos: Chaos, name: str, seed: str) -> None:
        self.chaos = chaos
        self.name = name
        self.chance = random.Random(f"{seed} {name}")
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S)

    def choose_client(self) -> Client:
        """Return one of the servers, behind its proxy."""
        front = self.chance.choice(self.chaos.world.fronts)
        return Client(self._pool, f"http://127.0.0.1:{front.port}", ADMIN_KEY)

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Answer | None:
        """Send a request with the admin key. Returns None if the connection broke."""
        packed = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        typed = {} if packed is None else {"content_type": kind}
        try:
            return self.choose_client().request(method, path, packed, x_api_key=ADMIN_KEY, **typed)
        except urllib3.exceptions.HTTPError:
            return None

    def insist(self, method: str, path: str, body: Any, note: Callable[[int], None], done: tuple[int, ...]) -> bool:
        """Repeat a call until its status is one of `done`. Returns False if the time ends before that."""
        while not self.chaos.ending.is_set():
            answer = self.send(method, path, body)
            status = NO_ANSWER if answer is None else answer.status
            note(status)
            if status in done:
                return True
            if status not in (NO_ANSWER, 503):
                self.report(f"{method} {path} was answered with {status}: {answer and answer.data[:200]!r}")
                return False
            time.sleep(PAUSE_S)
        return False

    def report(self, sentence: str) -> None:
        """Report an event that must not happen."""
        self.chaos.ledger.write("wrong", client=self.name, sentence=sentence)

    def note_post(self, status: int, expected: dict[str, Any]) -> None:
        self.chaos.ledger.write("post", status=status, **expected)
        if status == NO_ANSWER:
            self.chaos.unsure.add(expected["id"])

    def rest(self) -> None:
        time.sleep(self.chance.uniform(0, 2 * REST_S))


def ingest(chaos: Chaos, name: str, seed: str) -> None:
    """Post traces, some of them twice, some in batches, and pass their ids on."""
    caller, count = Caller(chaos, name, seed), 0
    while not chaos.stopping.is_set():
        count += 1
        if caller.chance.random() < 0.1:
            ids = [f"{name}-{count}-{line}" for line in range(caller.chance.randint(2, 20))]
            post_batch(caller, ids)
        else:
            ids = [f"{name}-{count}"]
            post_versions(caller, ids[0])
        for request_id in ids:
            fate = caller.chance.choice((KEPT, CURATED, CURATED, DELETED))
            fate = KEPT if fate == DELETED and request_id in chaos.unsure else fate
            {KEPT: chaos.for_readers, CURATED: chaos.for_curators, DELETED: chaos.for_deleters}[fate].put(request_id)
        caller.rest()


def post_versions(caller: Caller, request_id: str) -> None:
    """Post a trace. If the first attempt stored it, sometimes replace it."""
    user = caller.chance.choice(USERS)
    for version in (1, 2, 3):
        document = make_trace(request_id, version, user, caller.chance.randint(1, 40))
        expected = {"id": request_id, "version": version, "user": user, "digest": digest(masked(document))}
        attempts: list[int] = []

        def note(status: int, expected: dict[str, Any] = expected, attempts: list[int] = attempts) -> None:
            attempts.append(status)
            caller.note_post(status, expected)

        if not caller.insist("POST", "/v1/ingest", document, note, (201,)) or attempts != [201]:
            return  # an attempt without an answer may still be stored, and would replace the next version
        if caller.chance.random() < 0.6:
            return


def post_batch(caller: Caller, ids: list[str]) -> None:
    """Post traces in one body until every line is acknowledged."""
    user = caller.chance.choice(USERS)
    rest = {request_id: make_trace(request_id, 1, user, 3) for request_id in ids}
    while rest and not caller.chaos.ending.is_set():
        body = b"\n".join(json.dumps(document).encode() for document in rest.values())
        answer = caller.send("POST", "/v1/ingest", body, "application/x-ndjson")
        lines = answer.json["results"] if answer is not None and answer.status == 207 else []
        statuses = [line["status"] for line in lines] or [answer.status if answer else NO_ANSWER] * len(rest)
        for (request_id, document), status in zip(list(rest.items()), statuses, strict=True):
            known = {"id": request_id, "version": 1, "user": user, "digest": digest(masked(document))}
            caller.note_post(status, known)
            if status == 201:
                del rest[request_id]
            elif status not in (NO_ANSWER, 503):
                caller.report(f"a line with {request_id} was answered with {status}")
        time.sleep(PAUSE_S if rest else 0)


def curate(chaos: Chaos, name: str, seed: str) -> None:
    """Edit tags, favorites, comments and outcomes of a request, then keep it or pass it on to be deleted."""
    caller = Caller(chaos, name, seed)
    while not (chaos.stopping.is_set() and chaos.for_curators.empty()) and not chaos.ending.is_set():
        with contextlib.suppress(queue.Empty):
            request_id = chaos.for_curators.get(timeout=0.5)
            for turn in range(caller.chance.randint(1, 5)):
                edit(caller, request_id, turn)
                caller.rest()
            is_doomed = caller.chance.random() < 0.3 and request_id not in chaos.unsure
            (chaos.for_deleters if is_doomed else chaos.for_readers).put(request_id)


def edit(caller: Caller, request_id: str, turn: int) -> None:
    """Make one change, and repeat it until it is acknowledged."""
    chance, path = caller.chance, f"/logs/{request_id}"
    what = chance.choice(("tags", "favorite", "discussions", "outcome"))
    value = chance.choice("abc")

    def note(status: int, **more: Any) -> None:
        caller.chaos.ledger.write("edit", id=request_id, what=what, status=status, **more)

    match what:
        case "tags" | "favorite":
            method = chance.choice(("POST", "POST", "DELETE"))
            body = {"tag" if what == "tags" else "name": value}
            caller.insist(
                method, f"{path}/{what}", body, lambda status: note(status, method=method, value=value), (200,)
            )
        case "discussions":
            while not caller.chaos.ending.is_set():
                comment = f"{turn} {chance.randrange(10**9)}"
                answer = caller.send("POST", f"{path}/discussions", {"username": "ann", "comment": comment})
                note(answer.status if answer else NO_ANSWER, value=comment)
                if answer is not None and answer.status == 201:
                    return
                time.sleep(PAUSE_S)
        case _:
            correct = chance.choice((True, False))
            body = {"source": "chaos", "correct": correct}
            caller.insist("POST", f"{path}/outcome", body, partial(note, value=correct), (200,))


def delete(chaos: Chaos, name: str, seed: str) -> None:
    """Delete requests. A 404 counts as deleted after an attempt that may have succeeded."""
    caller = Caller(chaos, name, seed)
    while not (chaos.stopping.is_set() and chaos.for_deleters.empty()) and not chaos.ending.is_set():
        with contextlib.suppress(queue.Empty):
            request_id = chaos.for_deleters.get(timeout=0.5)
            tried: list[int] = []

            def note(status: int, request_id: str = request_id, tried: list[int] = tried) -> None:
                chaos.ledger.write("delete", id=request_id, status=status, is_first=not tried)
                tried.append(status)

            caller.insist("DELETE", f"/logs/{request_id}", None, note, (200, 404))
            if tried and tried[0] == 404:
                caller.report(f"{request_id} was acknowledged, and is not there to be deleted")
            caller.rest()


def read(chaos: Chaos, name: str, seed: str) -> None:
    """Read requests that no client changes any more, and pages of the feed."""
    caller = Caller(chaos, name, seed)
    kept: list[str] = []
    while not chaos.stopping.is_set():
        with contextlib.suppress(queue.Empty):
            kept.append(chaos.for_readers.get(timeout=0.1))
        if kept:
            request_id = caller.chance.choice(kept[-500:])
            answer = caller.send("GET", f"/logs/{request_id}/trace")
            status = answer.status if answer else NO_ANSWER
            seen = digest(answer.json) if answer is not None and status == 200 else None
            chaos.ledger.write("read", id=request_id, status=status, digest=seen)
        page = caller.send("GET", f"/logs?limit={caller.chance.randint(1, 50)}&tag={caller.chance.choice('abc')}")
        if page is not None and page.status not in (200, 503):
            caller.report(f"the feed was answered with {page.status}")
        chaos.ledger.write("feed", status=page.status if page else NO_ANSWER)
        caller.rest()
