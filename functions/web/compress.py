"""Compress answers with zstd, br or gzip, in a thread unless they are small."""

import asyncio
import zlib
from collections.abc import Iterable

import brotli
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.wire.zstandard import compress as compress_zstd
from functions.web.account import find_account
from functions.web.budget import BusyError
from functions.web.context import Context
from functions.web.errors import RETRY_AFTER_S, render_error
from functions.web.negotiation import parse_preferences

SMALLEST_BYTES = 500
"""Shorter bodies are not compressed."""
SMALL_BYTES = 16 * 1024
"""Longer bodies are compressed in a thread. Compressing this many bytes blocks the event loop for about 0.2 ms."""
SLICE_BYTES = 1024 * 1024
"""Longer bodies are sent in parts of this size, and other tasks run in between."""
ENCODINGS = ("zstd", "br", "gzip")
GZIP_LEVEL, BROTLI_QUALITY = 1, 1
"""The fastest levels: three times as fast as the defaults, for 10 % more bytes."""
GZIP_FORMAT = 31
COMPRESSIBLE = ("application/json", "text/", "application/javascript", "image/svg+xml")


def choose_encoding(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the first of zstd, br and gzip that Accept-Encoding allows, or None."""
    values = [value.decode("latin-1") for name, value in headers if name == b"accept-encoding"]
    named = parse_preferences(",".join(values))
    others = named.get("*", 0.0)
    return next((name for name in ENCODINGS if named.get(name, others) > 0), None)


def compress_body(body: bytes, encoding: str) -> bytes:
    """Compress a complete body. Releases the GIL."""
    match encoding:
        case "zstd":
            return compress_zstd([body])
        case "br":
            return brotli.compress(body, quality=BROTLI_QUALITY)
        case _:
            return zlib.compress(body, GZIP_LEVEL, GZIP_FORMAT)


class Compress:
    """ASGI middleware that compresses single-message bodies and sends large ones in parts.

    Bodies of several messages (event streams, large files) pass through unchanged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            send = _Compressed(scope, receive, send)
        await self.app(scope, receive, send)


class _Compressed:
    """The `send` of one answer. It delays the start message until the first message of the body arrives."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._encoding = choose_encoding(scope["headers"])
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_whole(message):
            self._start = message
            return
        start, self._start = self._start, None
        if start is None:
            await self._send(message)
            return
        body: bytes = message.get("body", b"")
        if message.get("more_body", False):
            await self._send(start)
            await self._send(message)
            return
        if len(body) <= SLICE_BYTES:
            await self._send_packed(start, body)
        else:
            await self._send_large(start, body)

    async def _send_packed(self, start: Message, body: bytes) -> None:
        if self._encoding and len(body) >= SMALLEST_BYTES and _is_compressible(start):
            body = await _pack(body, self._encoding)
            _describe(start, self._encoding, len(body))
        await self._send(start)
        await self._send_parts(body)

    async def _send_large(self, start: Message, body: bytes) -> None:
        """Send a body that stays in memory until the client has read it."""
        context: Context = self._scope["app"].state.context
        with context.budget.reserve(await find_account(HTTPConnection(self._scope))) as reservation:
            try:
                reservation.grow_within_share(len(body))
            except BusyError as error:
                answer = render_error(error.status, str(error), {"Retry-After": RETRY_AFTER_S})
                await answer(self._scope, self._receive, self._send)
                return
            await self._send_packed(start, body)

    async def _send_parts(self, body: bytes) -> None:
        for start in range(0, len(body) - SLICE_BYTES, SLICE_BYTES):
            part = body[start : start + SLICE_BYTES]
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0)
        done = max(0, -(-len(body) // SLICE_BYTES) - 1) * SLICE_BYTES
        await self._send({"type": "http.response.body", "body": body[done:]})


async def _pack(body: bytes, encoding: str) -> bytes:
    if len(body) <= SMALL_BYTES:
        return compress_body(body, encoding)
    return await asyncio.to_thread(compress_body, body, encoding)


def _is_whole(start: Message) -> bool:
    """Return whether the body's length is known. A stream has no length, and its start must not be delayed."""
    return any(name == b"content-length" for name, _ in start["headers"])


def _is_compressible(start: Message) -> bool:
    headers = MutableHeaders(raw=start["headers"])
    kind = headers.get("content-type", "")
    return "content-encoding" not in headers and "content-range" not in headers and kind.startswith(COMPRESSIBLE)


def _describe(start: Message, encoding: str, length: int) -> None:
    headers = MutableHeaders(raw=start["headers"])
    headers["Content-Encoding"] = encoding
    headers["Content-Length"] = str(length)
    if "Accept-Encoding" not in headers.get("Vary", ""):
        headers.add_vary_header("Accept-Encoding")
