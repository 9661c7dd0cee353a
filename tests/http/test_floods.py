"""A flood of requests from one address: requests from other addresses start after few of them, and are not delayed."""

import asyncio
import contextlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from core.settings import read_networks
from functions.web.connections import PROXIES
from functions.web.protocol import BoundedProtocol
from functions.web.refusals import MAX_PENDING_BYTES, MAX_PIPELINED
from tests.support.bystanders import HOST, Others, Target, assert_bounded
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY

ATTACKER, OTHER = "127.0.0.3", "127.0.0.2"
CONNECTIONS = 600
FEW = 60
"""Connections, each with several requests, that suffice where only the order of starts is tested."""
BEFORE = FEW + 1
FEW_FOREIGN = 3
FLOOD_S = 2
"""Time in which the server answers a part of the flood while the others call."""
ETAGS = 'W/"a",' * 2000
USER = "key-of-a-user-that-floods"


async def list_starts(flood: bytes, *, address: str, last: bytes, proxies: str = "") -> list[str]:
    """Send a request many times from ATTACKER and, when BEFORE of them have started, `last` from an address.

    Return the paths of the requests that start after BEFORE, in this order.
    """
    started, lifespan = list[str](), {PROXIES: read_networks(proxies)}
    complete = asyncio.Event()

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        started.append(scope["path"])
        if len(started) == BEFORE:
            other.sendall(last)
        for _turn in range(3):
            await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        if len(started) > FEW * MAX_PIPELINED:
            complete.set()

    config, shared = uvicorn.Config(app, log_config=None), ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: BoundedProtocol(config, shared, lifespan), HOST, 0)
    target = server.sockets[0].getsockname()
    with contextlib.ExitStack() as stack, contextlib.closing(server):
        other = stack.enter_context(socket.create_connection(target, source_address=(address, 0)))
        attackers = [
            stack.enter_context(socket.create_connection(target, source_address=(ATTACKER, 0))) for _ in range(FEW)
        ]
        while len(shared.connections) <= FEW:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0)
        for one in attackers:
            one.sendall(flood * MAX_PIPELINED)
        await asyncio.wait_for(complete.wait(), 30)
    return started[BEFORE:]


def write_request(path: str, client: str = "192.0.2.1") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("address", "client", "proxies"),
    [
        pytest.param(OTHER, "192.0.2.1", "", id="another address"),
        pytest.param(ATTACKER, "192.0.2.2", f"{ATTACKER}/32", id="another client of the same proxy"),
    ],
)
def test_a_request_from_elsewhere_starts_after_few_of_a_flood(address: str, client: str, proxies: str) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        last = write_request("/other", client)
        started = runner.run(list_starts(write_request("/flood"), address=address, last=last, proxies=proxies))
    assert started.count("/flood") == FEW * MAX_PIPELINED - BEFORE
    assert started.index("/other") <= FEW_FOREIGN


def test_a_forged_address_does_not_evade_the_order() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        last = write_request("/other", "192.0.2.2")
        started = runner.run(list_starts(write_request("/flood"), address=ATTACKER, last=last))
    assert started.index("/other") > FEW / 2


@pytest.fixture(scope="module", autouse=True)
def _trace(server: Target) -> None:
    trace = json.dumps(make_document("flooded", request={"user_api_key": USER})).encode()
    headers = {"X-API-Key": ADMIN_KEY, "Content-Type": "application/json"}
    assert server.post("/v1/ingest", trace, headers)[0] == 201


@pytest.mark.parametrize(
    "head",
    [
        f"GET /logs HTTP/1.1\r\nHost: x\r\nX-API-Key: {USER}\r\n\r\n",
        "GET /logs HTTP/1.1\r\nHost: x\r\nX-API-Key: a-wrong-key-that-is-repeated\r\n\r\n",
        "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /logs HTTP/1.1\r\nHost: x\r\nX-API-Key: {USER}\r\nIf-None-Match: {ETAGS}\r\n\r\n",
    ],
    ids=["feed", "wrong key", "no such path", "long headers"],
)
def test_a_flood_of_requests_delays_nobody(server: Target, head: str) -> None:
    burst = head.encode() * min(MAX_PIPELINED, MAX_PENDING_BYTES // len(head))
    others = Others(server, OTHER)
    with others.calling(), contextlib.ExitStack() as stack, ThreadPoolExecutor(4) as threads:
        opened = [stack.enter_context(server.connect(10, ATTACKER)) for _ in range(CONNECTIONS)]

        def flood(one: socket.socket) -> None:
            with contextlib.suppress(OSError):
                one.sendall(burst)

        list(threads.map(flood, opened))
        time.sleep(FLOOD_S)
    assert_bounded(server, others)
