"""Limit connections of `manage.py run` in number, in unparsed bytes and in time.

On Modal, the platform reads requests. `manage.py run` uses uvicorn, which without these limits accepts a head (request
line and headers) of any size and waits for it indefinitely.
"""

import asyncio
from collections.abc import Collection
from typing import Any

from typing_extensions import override
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from functions.web.connections import (
    RESERVED_CONNECTIONS,
    RESERVED_HEAD_S,
    find_client,
    find_max_connections,
    find_peer,
)
from functions.web.refusals import (
    CROWDED,
    HEAD_S,
    HEAD_TOO_LARGE,
    HEAD_TOO_SLOW,
    MAX_HEADERS,
    MAX_PENDING_BYTES,
    MAX_PIPELINED,
    TOO_MANY_CONNECTIONS,
    TOO_MANY_HEADERS,
    TOO_MANY_PIPELINED,
    UPGRADE_TOO_EARLY,
    Refusal,
    render_refusal,
)
from functions.web.starts import Starts
from functions.web.unread import UnreadWatch

DRAIN_S = 10.0
"""Time to receive the rest of a body after its request was answered."""
LIVENESS = b"/livez"
STARTS = "starts"
"""The key of the process's `Starts` in the state of the application's lifespan."""


class RefusedError(Exception):
    """Raised in a callback of the parser to stop it."""


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
        self._is_last = False
        self._has_served = False
        self._waiting_since = self.loop.time()
        self._crowded: Refusal | None = None
        self._running: RequestResponseCycle | None = None
        self._refusal: Refusal | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._watch = UnreadWatch(self.loop)
        self._starts: Starts = app_state.setdefault(STARTS, Starts(self.loop))
        self.peer: str | None = None

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
        self.peer = find_peer(self.client, self.app_state)
        self._set_deadline(HEAD_S)
        self._make_room()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        self._watch.stop()
        if self._running is not None:  # uvicorn only marks the last of several pipelined requests
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch.start(self.transport)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._watch.stop()

    @override
    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._watch.start(self.transport)

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
        if self._crowded is not None and self.url.partition(b"?")[0] != LIVENESS:
            self._stop_parser(self._crowded)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop_parser(TOO_MANY_PIPELINED)
        if self._is_serving and self.parser.should_upgrade() and self._should_upgrade():
            self._stop_parser(UPGRADE_TOO_EARLY)
        super().on_headers_complete()
        if not self.pipeline:
            self._running = self.cycle
        if self.cycle is not None and not self.cycle.keep_alive:
            # A client gets an error instead of an answer if the connection is closed while it sends its body.
            self._is_last = self.cycle.keep_alive = True

    @override
    def on_body(self, body: bytes) -> None:
        self._pending_bytes = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._pending_bytes = 0
        self._await_next()
        if self._is_last and self.cycle is not None:
            self.cycle.keep_alive = False
            if not self._is_serving:
                self._close()
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        self._has_served = True
        self._waiting_since = self.loop.time()
        self._running = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch.start(self.transport)
        elif not self._awaits_head and not self._is_serving:
            self._set_deadline(DRAIN_S)

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(self._refusal or (400, msg))

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        start = super()._start_asgi_task

        def start_if_connected() -> None:
            if not self.transport.is_closing():
                start(cycle, app)

        self._starts.take(self.peer or find_client(cycle.scope), start_if_connected)

    def _await_next(self) -> None:
        self._awaits_head = True
        self._waiting_since = self.loop.time()
        self._clear_deadline()

    def _make_room(self) -> None:
        """Enforce the limits of connections, of the address first."""
        most = find_max_connections()
        if self.peer is not None and len(self.connections) > most // 2:
            own = [one for one in self.connections if getattr(one, "peer", None) == self.peer]
            self._make_room_among(own, most // 2, TOO_MANY_CONNECTIONS)
        self._make_room_among(self.connections, most, CROWDED)

    def _make_room_among(self, connections: Collection[object], most: int, refusal: Refusal) -> None:
        """Enforce a limit: close the connection that has been idle longest, preferably an unused one."""
        excess = len(connections) - most
        if excess <= 0 or self.transport.is_closing():
            return
        idle = [one for one in connections if isinstance(one, BoundedProtocol) and one.is_idle and one is not self]
        if idle:
            min(idle, key=lambda one: (one._has_served, one._waiting_since))._give_way()  # noqa: SLF001 - of this class
        elif excess <= RESERVED_CONNECTIONS:
            self._crowded = refusal
            self._set_deadline(RESERVED_HEAD_S)
        else:
            self._refuse(refusal)

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
            self.transport.write(render_refusal(*refusal))
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
        self._watch.start(self.transport)
