"""What lies compressed in the database, as an answer: passed on as it is to whoever takes zstd.

Work on megabytes is done in threads of their own: `Context.run`'s are busy with traces that come in.
"""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from core.traces.shown import LogView, PackedJson
from functions.common.conditional import DEPENDS_ON, answer_unchanged, describe_version
from functions.common.context import Context
from functions.common.negotiation import read_preferences

MEDIA_TYPE = "application/json"
ENCODINGS = ("zstd", "br", "gzip")
SLICE_BYTES = 128 * 1024
"""What the compressing middleware takes at once: it works in the event loop."""


async def answer_log(request: Request, context: Context, view: LogView) -> Response:
    """Answer with a log, rendered unless this process kept it, or with 304 if the client has this version."""
    if view.is_known:
        return answer_unchanged(view.version)
    log = view.cached or await context.run(view.render)
    context.logs.keep(view.cache_key, log)
    return await answer_stored(request, PackedJson(log.frame, view.start), describe_version(view.version))


async def answer_stored(request: Request, stored: PackedJson, headers: dict[str, str] | None = None) -> Response:
    """Answer with packed JSON in an encoding that the client accepts."""
    headers = headers or {"Vary": DEPENDS_ON}
    accepted = read_accepted_encodings(request)
    if "zstd" in accepted:
        packed = stored.pack() if len(stored.frame) <= SLICE_BYTES else await asyncio.to_thread(stored.pack)
        return Response(packed, media_type=MEDIA_TYPE, headers={**headers, "Content-Encoding": "zstd"})
    return await answer_json(request, await asyncio.to_thread(stored.unpack), headers)


async def answer_json(request: Request, body: bytes, headers: dict[str, str]) -> Response:
    """JSON that was just made; a large one goes to the compressing middleware in slices."""
    if len(body) > SLICE_BYTES and read_accepted_encodings(request):
        return StreamingResponse(_slice(body), media_type=MEDIA_TYPE, headers=headers)
    return Response(body, media_type=MEDIA_TYPE, headers=headers)


def read_accepted_encodings(request: Request) -> set[str]:
    """Those of zstd, br and gzip that a client takes; `*` is all that it does not name."""
    named = read_preferences(request, "accept-encoding")
    others = named.get("*", 0.0)
    return {name for name in ENCODINGS if named.get(name, others) > 0}


async def _slice(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), SLICE_BYTES):
        yield body[start : start + SLICE_BYTES]
        await asyncio.sleep(0)  # others' turn
