"""One address gets at most half of a process's connections; callers at other addresses, and /livez, are served."""

import contextlib
import resource
import socket
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.settings import read_networks
from functions.web.connections import BACKLOG, PROXIES, RESERVED_CONNECTIONS, RESERVED_FILES, find_peer
from tests.support.bystanders import WORKERS, Others, Target, assert_bounded, run_server
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY

ATTACKER, OTHER = "127.0.0.3", "127.0.0.2"
PER_ADDRESS = 40
FILES = 2 * PER_ADDRESS + BACKLOG + RESERVED_FILES + 2 * RESERVED_CONNECTIONS
MANY = 2 * WORKERS * (PER_ADDRESS + RESERVED_CONNECTIONS)
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
FEED = f"GET /logs HTTP/1.1\r\nHost: x\r\nX-API-Key: {ADMIN_KEY}\r\nConnection: close\r\n\r\n".encode()
STALLED = (
    f"POST /v1/score HTTP/1.1\r\nHost: x\r\nX-API-Key: {ADMIN_KEY}\r\n"
    "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
).encode()


@contextlib.contextmanager
def run_small(databases: Databases, directory: pytest.TempPathFactory, name: str, **settings: str) -> Generator[Target]:
    """Run a server with few connections."""
    url = databases.create(name)
    with run_server(directory.mktemp(name), url, **settings) as server:
        for pid in server.list_processes():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        yield server
    databases.drop(name)


@pytest.fixture(scope="module")
def server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Generator[Target]:
    with run_small(databases, tmp_path_factory, "per_address") as running:
        yield running


def ask(server: Target, request: bytes, address: str) -> bytes:
    with server.connect(address=address) as one:
        one.sendall(request)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while part := one.recv(65536):
                answer += part
        return answer


@contextlib.contextmanager
def opened(server: Target, request: bytes, count: int = MANY) -> Generator[list[int]]:
    """Send a request on many connections, and return the status of each answer; 0 before it has arrived."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(16) as threads:
        connections = [stack.enter_context(server.connect(2, ATTACKER)) for _ in range(count)]
        for one in connections:
            with contextlib.suppress(OSError):
                one.sendall(request)
        yield list(threads.map(read_status, connections))


def read_status(one: socket.socket) -> int:
    try:
        return int(one.recv(1024).split(b" ")[1])
    except (OSError, IndexError):
        return 0


@pytest.mark.parametrize("request_bytes", [STALLED, b"GET / HTTP/1.1\r\n", b""], ids=["bodies", "heads", "nothing"])
def test_one_address_cannot_take_all_connections(server: Target, request_bytes: bytes) -> None:
    others = Others(server, OTHER)
    with others.calling(), opened(server, request_bytes) as statuses:
        for _ in range(5):
            assert b" 200 " in ask(server, FEED, OTHER)
            assert b" 200 " in ask(server, LIVEZ, OTHER)
        assert b" 200 " in ask(server, LIVEZ, ATTACKER) or request_bytes != STALLED
    if request_bytes == STALLED:
        assert 429 in statuses
        assert statuses.count(0) >= PER_ADDRESS
    assert_bounded(server, others)


def test_a_trusted_proxy_may_have_more_connections(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        run_small(databases, tmp_path_factory, "proxied", TRUSTED_PROXIES=f"{ATTACKER}/32") as server,
        opened(server, STALLED, WORKERS * PER_ADDRESS) as statuses,
    ):
        assert 429 not in statuses


@pytest.mark.parametrize(
    ("host", "peer"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2", "2001:db8::/64"),
        ("10.0.0.1", None),
        ("::ffff:10.0.0.1", None),
        ("not an address", None),
    ],
)
def test_connections_count_for_the_network_of_their_peer(host: str, peer: str | None) -> None:
    assert find_peer((host, 1), {PROXIES: read_networks("10.0.0.0/8")}) == peer
