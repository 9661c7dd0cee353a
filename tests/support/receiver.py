"""A receiver of webhooks on a real socket, whose path chooses how it behaves."""

import contextlib
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from standardwebhooks import Webhook
from typing_extensions import override

from tests.support.http_server import serve

WAIT_S = 60
GIB = 1024**3


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    def verify(self, secret: str) -> Any:
        """Verify the signature as receivers do, and return the payload."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    port: int
    received: list[Received] = field(default_factory=list[Received])
    failures: int = 0
    """How many calls of /failing are answered with 500 before it answers 200."""
    released: threading.Event = field(default_factory=threading.Event)
    """When calls of /held are answered."""

    def url(self, path: str = "/ok") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def list_ids(self, path: str = "/ok") -> list[str]:
        return [one.headers["webhook-id"] for one in self.received if one.path == path]

    def wait(self, count: int = 1, path: str = "/ok") -> list[Received]:
        """Wait until so many calls of a path arrived, and return them."""
        wait_until(lambda: len(self.list_ids(path)) >= count)
        return [one for one in self.received if one.path == path]


def wait_until(holds: Callable[[], bool], seconds: float = WAIT_S) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@contextlib.contextmanager
def receiving() -> Generator[Receiver]:
    """Run a receiver until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        @override
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            with contextlib.suppress(ConnectionError):
                self.behave(self.path.partition("?")[0])

        def behave(self, path: str) -> None:
            if path == "/broken":
                self.wfile.write(b"HTTP/1.1 20")
                return
            if path == "/held":
                receiver.released.wait()
            status = {"/redirect": 302, "/gone": 410, "/wrong": 400}.get(path, 200)
            if path == "/failing" and receiver.failures > 0:
                receiver.failures -= 1
                status = 500
            self.send_response(status)
            if path == "/redirect":
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/ok")
            self.send_header("Set-Cookie", "a=b")
            self.send_header("Content-Length", str(GIB if path == "/huge" else 6))
            self.end_headers()
            self.wfile.write(b"secret")
            for _ in range(GIB // 65536 if path == "/huge" else 0):
                self.wfile.write(bytes(65536))

    with serve(Handler) as port:
        receiver = Receiver(port)
        try:
            yield receiver
        finally:
            receiver.released.set()
