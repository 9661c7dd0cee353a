"""Close connections of `manage.py run` whose clients don't read, and WebSockets whose clients send too much."""

import asyncio
import fcntl
import struct
import termios
from functools import lru_cache
from typing import Any

from typing_extensions import override
from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN

from functions.web.connections import find_peer

UNREAD_S = 20.0
"""Time within which a client must read MIN_READ_BYTES, or everything that was sent."""
MIN_READ_BYTES = 80 * 1024
MAX_FRAGMENTS = 64
"""Maximum fragments of a message from a WebSocket client."""
MAX_SHARED_CHARACTERS = 64 * 1024
"""Maximum characters of a message that is encoded once for all clients."""
MAX_SHARED = 32
"""Number of encoded messages that are kept."""
INCOMING_BYTES = 32 * 1024
"""Maximum burst of bytes from a WebSocket client, whose messages are ignored."""
INCOMING_BYTES_PER_S = 4 * 1024


class UnreadWatch:
    """Abort a connection if its client does not read between `start` and `stop`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._unread = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, transport: asyncio.Transport) -> None:
        """Start watching. Nothing may be written until `stop`."""
        if self._timer is None:
            self._expect_progress(transport)

    def stop(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expect_progress(self, transport: asyncio.Transport) -> None:
        self._unread = count_unread(transport)
        self._timer = self._loop.call_later(UNREAD_S, self._check, transport)

    def _check(self, transport: asyncio.Transport) -> None:
        self._timer = None
        if self._unread - count_unread(transport) < MIN_READ_BYTES:
            transport.abort()
        else:
            self._expect_progress(transport)


def count_unread(transport: asyncio.Transport) -> int:
    """Return the bytes that the client has not acknowledged, in this process and in the kernel."""
    in_kernel = b""
    try:
        in_kernel = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):  # the socket is closed, or the system does not report this number
        return transport.get_write_buffer_size()
    return transport.get_write_buffer_size() + struct.unpack("i", in_kernel)[0]


@lru_cache(MAX_SHARED)
def encode_frame(text: str) -> bytes:
    """Return the frame of a text message."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose client must read, and may send only few bytes."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._received = 0.0
        self._received_at = self.loop.time()
        self._watch = UnreadWatch(self.loop)
        self.peer: str | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.peer = find_peer(self.client, self.app_state)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.stop()
        super().connection_lost(exc)

    @override
    async def send(self, message: ASGISendEvent) -> None:
        """Send a message. uvicorn would encode a text again for each of its clients."""
        text = message.get("text")
        is_ready = self.conn.state is OPEN and self.writable.is_set() and not self.disconnected
        if is_ready and isinstance(text, str) and len(text) <= MAX_SHARED_CHARACTERS:
            self.transport.write(encode_frame(text))
        else:
            await super().send(message)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._begin_watch()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._watch.stop()

    @override
    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated and not self._may_receive(len(data)):
            self.transport.abort()
            return
        super().data_received(data)

    @override
    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MAX_FRAGMENTS:
            self.transport.abort()
            return
        super().handle_cont(event)

    @override
    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._begin_watch()

    @override
    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self._begin_watch()  # the connection only has to be closed

    @override
    def shutdown(self) -> None:
        super().shutdown()
        self._begin_watch()

    def _begin_watch(self) -> None:
        if not self.disconnected:
            self._watch.start(self.transport)

    def _may_receive(self, size: int) -> bool:
        now = self.loop.time()
        drained = (now - self._received_at) * INCOMING_BYTES_PER_S
        self._received = max(0.0, self._received - drained) + size
        self._received_at = now
        return self._received <= INCOMING_BYTES
