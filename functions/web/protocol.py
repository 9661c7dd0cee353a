"""Limit connections of `manage.py run` in number, in unparsed bytes and in time.

On Modal the platform reads requests. Here uvicorn does, which by default accepts heads (request line and headers) of
any size and waits for them indefinitely.
"""

import asyncio
import resource
from typing import Any

import orjson
from typing_extensions import override
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from functions.web.unread import UnreadWatch

MAX_PENDING_BYTES = 64 * 1024
"""Maximum bytes received after the last complete head, trailer or piece of a body."""
MAX_HEADERS = 100
MAX_PIPELINED = 32
"""Maximum pipelined requests of a connection."""
HEAD_S = 10.0
"""Time from the start of a connection, or the first byte of a later request, until the head is complete."""
DRAIN_S = 10.0
"""Time to receive the rest of a body after its request was answered."""
MAX_CONNECTIONS = 1500
"""Maximum connections of a process: all streams and 500 other requests."""
RESERVED_CONNECTIONS = 16
"""Additional connections that serve only /livez."""
RESERVED_HEAD_S = 1.0
RESERVED_FILES = 128
"""File descriptors for other purposes: the database, logs, spooled bodies."""
BACKLOG = 256
"""Maximum connections that wait in the kernel. uvloop accepts all of them at once, so they need descriptors as well."""
WANTED_FILES = 8192
LIVENESS = b"/livez"

Refusal = tuple[int, str]

CROWDED: Refusal = (503, "the server has reached its limit of connections; try again")
HEAD_TOO_LARGE: Refusal = (431, f"request line or headers: longer than {MAX_PENDING_BYTES // 1024} KiB; send less")
TOO_MANY_HEADERS: Refusal = (431, f"headers: more than {MAX_HEADERS}; send fewer")
TOO_MANY_PIPELINED: Refusal = (429, f"more than {MAX_PIPELINED} requests are pipelined; wait for answers")
HEAD_TOO_SLOW: Refusal = (408, f"headers: did not arrive within {HEAD_S:.0f} s; send them faster")


class RefusedError(Exception):
    """Raised in a callback of the parser to stop it."""


def raise_file_limit() -> None:
    """Raise the limit of open files for this process and its children, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def find_max_connections() -> int:
    """Return the number of connections that a process may have; a low limit of open files lowers it."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, soft - BACKLOG - RESERVED_FILES - RESERVED_CONNECTIONS))


class BoundedProtocol(HttpToolsProtocol):
    """One limited connection. After its handshake, a WebSocket has the limits of `unread.BoundedWebSocket` instead."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._pending_bytes = 0
        self._awaits_head = True
        self._has_served = False
        self._waiting_since = self.loop.time()
        self._only_liveness = False
        self._refusal: Refusal | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._watch: UnreadWatch | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request is being received or served."""
        return self._awaits_head and not self._is_serving

    @property
    def _is_serving(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._watch = UnreadWatch(transport, self.loop)
        self._set_deadline(HEAD_S)
        self._make_room()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        self._end_watch()
        super().connection_lost(exc)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._begin_watch()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._end_watch()

    @override
    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._begin_watch()

    @override
    def timeout_keep_alive_handler(self) -> None:
        self._close()

    @override
    def data_received(self, data: bytes) -> None:
        if self._awaits_head and self._deadline is None:
            self._set_deadline(HEAD_S)
        self._pending_bytes += len(data)
        super().data_received(data)
        if self._pending_bytes > MAX_PENDING_BYTES and not self.transport.is_closing():
            self._refuse(HEAD_TOO_LARGE)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= MAX_HEADERS:
            self._stop_parser(TOO_MANY_HEADERS)
        super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        self._pending_bytes = 0
        self._awaits_head = False
        self._clear_deadline()
        if self._only_liveness and self.url.partition(b"?")[0] != LIVENESS:
            self._stop_parser(CROWDED)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop_parser(TOO_MANY_PIPELINED)
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._pending_bytes = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._pending_bytes = 0
        self._await_next()
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        self._has_served = True
        self._waiting_since = self.loop.time()
        super().on_response_complete()
        if self.transport.is_closing():
            self._begin_watch()
        elif not self._awaits_head and not self._is_serving:
            self._set_deadline(DRAIN_S)

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(self._refusal or (400, msg))

    def _await_next(self) -> None:
        self._awaits_head = True
        self._waiting_since = self.loop.time()
        self._clear_deadline()

    def _make_room(self) -> None:
        """Enforce the limit: close the connection that has been idle longest, preferably an unused one."""
        excess = len(self.connections) - find_max_connections()
        if excess <= 0:
            return
        idle = [one for one in self.connections if isinstance(one, BoundedProtocol) and one.is_idle and one is not self]
        if idle:
            min(idle, key=lambda one: (one._has_served, one._waiting_since))._give_way()  # noqa: SLF001 - of this class
        elif excess <= RESERVED_CONNECTIONS:
            self._only_liveness = True
            self._set_deadline(RESERVED_HEAD_S)
        else:
            self._refuse(CROWDED)

    def _give_way(self) -> None:
        self.connections.discard(self)
        self._awaits_head = False
        self._clear_deadline()
        self.transport.abort()

    def _stop_parser(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise RefusedError(refusal[1])

    def _refuse(self, refusal: Refusal) -> None:
        """Answer with an error and close; only close if another answer is being sent."""
        self._clear_deadline()
        if not self._is_serving:
            status, sentence = refusal
            body = orjson.dumps({"error": sentence, "message": sentence, "code": status})
            head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n" % len(body)
            retry = b"retry-after: 1\r\n" if status in (429, 503) else b""
            self.transport.write(b"".join([STATUS_LINE[status], head, retry, b"\r\n", body]))
        self._close()

    def _set_deadline(self, seconds: float) -> None:
        self._clear_deadline()
        self._deadline = self.loop.call_later(seconds, self._time_out)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _time_out(self) -> None:
        self._deadline = None
        if self._is_serving:
            return
        if self._awaits_head and self._pending_bytes:
            self._refuse(HEAD_TOO_SLOW)
        else:
            self._close()

    def _close(self) -> None:
        """Close after the client has read all answers, or if it does not read them in time."""
        self.transport.close()
        self._begin_watch()

    def _begin_watch(self) -> None:
        if self._watch is not None:
            self._watch.start()

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.stop()
