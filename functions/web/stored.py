"""Answer with stored JSON. Clients that accept zstd get the stored frame; for others it is decompressed."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TypeVarTuple

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from core.access.turns import Account
from core.traces.log_cache import CachedLog
from core.traces.log_view import LogView, PackedJson, compress_members, render_document, render_unpacked
from core.wire.zstandard import iterate_decompressed, read_size
from functions.web.account import find_account
from functions.web.budget import Budget, BusyError
from functions.web.compress import choose_encoding, compress_body
from functions.web.conditional import DEPENDS_ON, answer_unchanged, describe_version
from functions.web.context import Context
from functions.web.document import is_light, work_on_document

MEDIA_TYPE = "application/json"
EVENT_STREAM = "text/event-stream"
LINES = "application/x-ndjson"
PIECE_BYTES = 2 * 1024 * 1024
"""Bytes of an answer that are decompressed at once, which takes 1 ms."""
USUAL_RATIO = 10
"""Estimated compression ratio of a large log or trace."""

Ts = TypeVarTuple("Ts")


async def answer_log(request: Request, context: Context, view: LogView) -> Response:
    """Answer with a log, from the cache or rendered, or with 304 if the client already has this version."""
    if view.is_known:
        return answer_unchanged(view.version)
    headers, document, log = describe_version(view.version), view.document or b"", view.cached
    if log is None and is_light(document) and choose_encoding(request.scope["headers"]) != "zstd":
        with context.budget.reserve(await find_account(request)) as reservation:
            reservation.grow_within_share(len(document))
            text = await context.run_light(reservation.account, render_unpacked, document, *view.kind, view.start)
        _keep_later(context, view, text)
        return Response(text, media_type=MEDIA_TYPE, headers=headers)
    if log is None:
        frame = await work_on_document(request, context, render_document, document, *view.kind)
        log = CachedLog(view.document_version, view.is_owned, frame)
    elif not log.pieces and choose_encoding(request.scope["headers"]) is None:
        log = await _unpack(request, context, log)
    context.logs.keep(view.cache_key, log)
    return await answer_stored(request, PackedJson(log.frame, view.start, log.pieces), headers)


async def _unpack(request: Request, context: Context, log: CachedLog) -> CachedLog:
    """Return a log with its pieces, if the cache can keep them and the byte budget allows it."""
    size = read_size(log.frame)
    if size is None or not context.logs.can_keep_unpacked(size + len(log.frame)):
        return log
    with suppress(BusyError), context.budget.reserve(await find_account(request)) as reservation:
        reservation.grow_within_share(size)
        pieces = await asyncio.to_thread(lambda: tuple(iterate_decompressed(log.frame, PIECE_BYTES)))
        return replace(log, pieces=pieces)
    return log


def _keep_later(context: Context, view: LogView, text: bytes) -> None:
    """Keep a rendered log in the cache, compressed while the log is sent, and in pieces for the next such client."""

    def pack() -> CachedLog:
        frame = compress_members([memoryview(text)[len(view.start) :]])  # without the GIL; the text is sent meanwhile
        pieces = tuple(text[start : start + PIECE_BYTES] for start in range(len(view.start), len(text), PIECE_BYTES))
        return CachedLog(view.document_version, view.is_owned, frame, pieces)

    def keep(packing: asyncio.Future[CachedLog]) -> None:
        if not (packing.cancelled() or packing.exception()):
            context.logs.keep(view.cache_key, packing.result())

    packing = asyncio.get_running_loop().run_in_executor(None, pack)
    packing.add_done_callback(keep)


async def answer_stored(
    request: Request, stored: PackedJson, headers: dict[str, str] | None = None, *, media_type: str = MEDIA_TYPE
) -> Response:
    """Answer with stored text in an encoding that the client accepts.

    Compression, and decompression of large texts, run in a thread, so that they block no other request. These are not
    the threads of `Context.run`, which may be busy with incoming traces.

    Raises:
        BusyError: the byte budget is used up.
    """
    context: Context = request.app.state.context
    encoding = choose_encoding(request.scope["headers"])
    headers = {**(headers or {"Vary": DEPENDS_ON}), "Content-Type": media_type}
    with context.budget.reserve(await find_account(request)) as reservation:
        if encoding is None and (stored.size is None or stored.size > PIECE_BYTES):
            return _Unpacked(context.budget, reservation.account, stored, headers)
        if encoding is None:  # decompressed here, which takes less time than a switch to a thread and back
            reservation.grow_within_share(len(stored.frame) + PIECE_BYTES)
            return Response(stored.unpack(), headers=headers)
        reservation.grow_within_share(_estimate_size(stored, encoding))
        body = stored.pack() if encoding == "zstd" else await asyncio.to_thread(_recompress, stored, encoding)
    return Response(body, headers={**headers, "Content-Encoding": encoding})


def _estimate_size(stored: PackedJson, encoding: str) -> int:
    """Return the bytes that are in memory while an answer is encoded."""
    packed = len(stored.frame)
    return packed if encoding == "zstd" else stored.size or packed * USUAL_RATIO


def _recompress(stored: PackedJson, encoding: str) -> bytes:
    return compress_body(stored.unpack(), encoding)


class _Unpacked(Response):
    """A response that decompresses each piece of its body while it sends the previous one."""

    def __init__(self, budget: Budget, account: Account, stored: PackedJson, headers: dict[str, str]) -> None:
        super().__init__(headers=headers)
        self._budget = budget
        self._account = account
        self._size = len(stored.frame) + (sum(map(len, stored.pieces)) or 2 * PIECE_BYTES)
        del self.headers["content-length"]
        if stored.size is not None:
            self.headers["content-length"] = str(stored.size)
        self._is_unpacked = bool(stored.pieces)
        self._pieces = stored.iterate(PIECE_BYTES)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the body. The frame and the pieces stay in memory until the client has read the answer.

        Raises:
            BusyError: the byte budget is used up.
        """
        with self._budget.reserve(self._account) as reservation:
            reservation.grow_within_share(self._size)
            await self._send(send)

    async def _send(self, send: Send) -> None:
        piece = await self._take()
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while piece:
            async with asyncio.TaskGroup() as both:
                following = both.create_task(self._take())
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = following.result()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _take(self) -> bytes:
        return next(self._pieces, b"") if self._is_unpacked else await asyncio.to_thread(next, self._pieces, b"")
