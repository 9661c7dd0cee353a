"""Answer with stored JSON. Clients that accept zstd get the stored frame; for others it is decompressed."""

import asyncio
from collections.abc import Callable
from typing import TypeVarTuple

from fastapi import Request
from starlette.responses import Response

from core.traces.log_cache import CachedLog
from core.traces.log_view import LogView, PackedJson, render_document
from functions.web.budget import name_account
from functions.web.compress import choose_encoding, compress_body
from functions.web.conditional import DEPENDS_ON, answer_unchanged, describe_version
from functions.web.context import Context

MEDIA_TYPE = "application/json"
LIGHT_BYTES = 1024 * 1024
"""Compressed. Parsing a larger document keeps the interpreter's lock for more than a tenth of a second."""

Ts = TypeVarTuple("Ts")


async def answer_log(request: Request, context: Context, view: LogView) -> Response:
    """Answer with a log, from the cache or rendered, or with 304 if the client already has this version."""
    if view.is_known:
        return answer_unchanged(view.version)
    log = view.cached or await _render(request, context, view)
    context.logs.keep(view.cache_key, log)
    return await answer_stored(request, PackedJson(log.frame, view.start), describe_version(view.version))


async def _render(request: Request, context: Context, view: LogView) -> CachedLog:
    frame = await work_on_document(request, context, render_document, view.document or b"", view.is_owned)
    return CachedLog(view.document_version, view.is_owned, frame)


async def work_on_document(
    request: Request, context: Context, function: Callable[[bytes, *Ts], bytes], document: bytes, *arguments: *Ts
) -> bytes:
    """Call a function with a document's frame: in a thread, or in a separate process if the document is large."""
    if len(document) <= LIGHT_BYTES:
        return await context.run(function, document, *arguments)
    account = name_account(None, request.client.host if request.client else "")
    return await context.run_heavy(account, function, document, *arguments)


async def answer_stored(request: Request, stored: PackedJson, headers: dict[str, str] | None = None) -> Response:
    """Answer with stored JSON in an encoding that the client accepts.

    Decompression and compression run in a thread, so that the event loop never holds the uncompressed text. The threads
    are not those of `Context.run`, which are busy with incoming traces.
    """
    encoding = choose_encoding(request.scope["headers"])
    body = await asyncio.to_thread(_encode, stored, encoding)
    encoded = {} if encoding is None else {"Content-Encoding": encoding}
    return Response(body, media_type=MEDIA_TYPE, headers={**(headers or {"Vary": DEPENDS_ON}), **encoded})


def _encode(stored: PackedJson, encoding: str | None) -> bytes:
    match encoding:
        case "zstd":
            return stored.pack()
        case None:
            return stored.unpack()
        case _:
            return compress_body(stored.unpack(), encoding)
