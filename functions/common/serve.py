"""Uvicorn, as `manage.py run` uses it: one process on a socket that is bound before anything is promised."""

import logging
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from typing_extensions import override
from websockets import http11

from core.errors import ThunderError
from functions.common.context import end_streams

SHUTDOWN_SECONDS = 10
BACKLOG = 2048
MAX_INCOMING_BYTES = 4096
"""What a WebSocket's client may send at once; nothing of it is read."""

MAX_LINE_BYTES = 64 * 1024
"""Of a WebSocket's handshake."""


class AddressError(ThunderError):
    """The address to serve on cannot be had; the sentence says why."""


class AnnouncingServer(uvicorn.Server):
    """A server that says when it answers: what is printed before that would be a promise."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as usual, then announce."""
        await super().startup(sockets)
        if self.started:
            self._announce()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, which would otherwise be waited for, then shut down as usual."""
        application = self.config.loaded_app
        if isinstance(application, FastAPI):
            end_streams(application)
        await super().shutdown(sockets)


def bind(host: str, port: int) -> socket.socket:
    """Bind a TCP socket; port 0 takes a free one.

    Raises:
        AddressError: if the host is unknown, or the port taken or not ours to take.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressError(f"APP_HOST {host}: {error.strerror}") from None
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        advice = "stop what serves there, or set APP_PORT"
        raise AddressError(f"cannot serve on {host} port {port} ({error.strerror}): {advice}") from None
    return bound


def _hide_queries(record: logging.LogRecord) -> bool:
    """Uvicorn logs each WebSocket with its query, which may hold a key."""
    if isinstance(record.args, tuple):
        record.args = tuple(one.partition("?")[0] if isinstance(one, str) else one for one in record.args)
    return True


def serve(app: str, bound: socket.socket, *, announce: Callable[[], None]) -> None:
    """Serve an app (`module:factory`) until a signal stops it, and call `announce` once it answers."""
    config = uvicorn.Config(
        app,
        factory=True,
        loop="uvloop",
        http="httptools",
        log_config=None,  # core.logs, as on Modal
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ws="websockets-sansio",
        # Compression takes memory for each connection, and clients have little to say.
        ws_per_message_deflate=False,
        ws_max_size=MAX_INCOMING_BYTES,
    )
    logging.getLogger("uvicorn.error").addFilter(_hide_queries)
    # What is longer hangs there; up to this, functions.common.limits refuses it.
    http11.MAX_LINE_LENGTH = MAX_LINE_BYTES
    AnnouncingServer(config, announce).run(sockets=[bound])
