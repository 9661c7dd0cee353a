"""Answers with stored JSON: a zstd frame is passed on to clients that take zstd, and unpacked for the others."""

import asyncio

from fastapi import Request
from starlette.responses import Response

from core.traces.log_view import LogView, PackedJson
from functions.web.compress import choose_encoding, compress_body
from functions.web.conditional import DEPENDS_ON, answer_unchanged, describe_version
from functions.web.context import Context

MEDIA_TYPE = "application/json"


async def answer_log(request: Request, context: Context, view: LogView) -> Response:
    """Answer with a log, rendered unless this process kept it, or with 304 if the client has this version."""
    if view.is_known:
        return answer_unchanged(view.version)
    log = view.cached or await context.run(view.render)
    context.logs.keep(view.cache_key, log)
    return await answer_stored(request, PackedJson(log.frame, view.start), describe_version(view.version))


async def answer_stored(request: Request, stored: PackedJson, headers: dict[str, str] | None = None) -> Response:
    """Answer with stored JSON in an encoding that the client takes.

    The plain text of a compressed answer is made and released in a thread: the event loop never holds it. (The threads
    are not `Context.run`'s, which are busy with traces that come in.)
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
