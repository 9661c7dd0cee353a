"""Answers in zstd, br or gzip, compressed in a thread unless they are small."""

import asyncio
import zlib
from collections.abc import Iterable

import brotli
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.wire.zstandard import compress as compress_zstd
from functions.web.negotiation import parse_preferences

SMALLEST_BYTES = 500
"""Shorter bodies are sent as they are."""
SMALL_BYTES = 16 * 1024
"""Longer bodies are compressed in a thread: this many take the event loop about 0.2 ms."""
SLICE_BYTES = 256 * 1024
"""The server copies what it is given to send; a longer body goes to it in parts, and others run in between."""
ENCODINGS = ("zstd", "br", "gzip")
GZIP_LEVEL, BROTLI_QUALITY = 1, 1
"""Three times as fast as their usual levels, for a tenth more bytes."""
GZIP_FORMAT = 31
COMPRESSIBLE = ("application/json", "text/", "application/javascript", "image/svg+xml")


def choose_encoding(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the first of zstd, br and gzip that the client takes; `*` stands for all that it does not name."""
    values = [value.decode("latin-1") for name, value in headers if name == b"accept-encoding"]
    named = parse_preferences(",".join(values))
    others = named.get("*", 0.0)
    return next((name for name in ENCODINGS if named.get(name, others) > 0), None)


def compress_body(body: bytes, encoding: str) -> bytes:
    """Compress a whole body. Releases the interpreter's lock."""
    match encoding:
        case "zstd":
            return compress_zstd([body])
        case "br":
            return brotli.compress(body, quality=BROTLI_QUALITY)
        case _:
            return zlib.compress(body, GZIP_LEVEL, GZIP_FORMAT)


class Compress:
    """ASGI middleware: compresses bodies that come in one piece, and sends large ones in parts.

    Answers in several pieces (event streams, large files) pass through as they are.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            send = _Compressed(send, choose_encoding(scope["headers"]))
        await self.app(scope, receive, send)


class _Compressed:
    """The `send` of one answer: holds back its start until its body is known to be whole."""

    def __init__(self, send: Send, encoding: str | None) -> None:
        self._send = send
        self._encoding = encoding
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
        if self._encoding and len(body) >= SMALLEST_BYTES and _is_compressible(start):
            body = await _pack(body, self._encoding)
            _describe(start, self._encoding, len(body))
        await self._send(start)
        await self._send_parts(body)

    async def _send_parts(self, body: bytes) -> None:
        for at in range(0, len(body) - SLICE_BYTES, SLICE_BYTES):
            await self._send({"type": "http.response.body", "body": body[at : at + SLICE_BYTES], "more_body": True})
            await asyncio.sleep(0)
        done = max(0, -(-len(body) // SLICE_BYTES) - 1) * SLICE_BYTES
        await self._send({"type": "http.response.body", "body": body[done:]})


async def _pack(body: bytes, encoding: str) -> bytes:
    if len(body) <= SMALL_BYTES:
        return compress_body(body, encoding)
    return await asyncio.to_thread(compress_body, body, encoding)


def _is_whole(start: Message) -> bool:
    """Whether the body's length is known: a stream must begin at once."""
    return any(name == b"content-length" for name, _ in start["headers"])


def _is_compressible(start: Message) -> bool:
    headers = MutableHeaders(raw=start["headers"])
    kind = headers.get("content-type", "")
    return "content-encoding" not in headers and "content-range" not in headers and kind.startswith(COMPRESSIBLE)


def _describe(start: Message, encoding: str, length: int) -> None:
    headers = MutableHeaders(raw=start["headers"])
    headers["Content-Encoding"] = encoding
    headers["Content-Length"] = str(length)
    headers.add_vary_header("Accept-Encoding")
