"""Answers with stored JSON: a zstd frame is passed on to clients that take zstd, and unpacked for the others."""

import asyncio
from typing import Protocol

from fastapi import Request
from starlette.responses import Response

from core.traces.shown import VersionedLog
from functions.common.compress import choose_encoding, compress_body
from functions.common.conditional import DEPENDS_ON, answer_unchanged, describe_version

MEDIA_TYPE = "application/json"


class Stored(Protocol):
    """JSON that can be had as one zstd frame or as plain text; either takes the processor a while."""

    def pack(self) -> bytes:
        """Return one zstd frame."""
        ...

    def unpack(self) -> bytes:
        """Return the text."""
        ...


async def answer_log(request: Request, found: VersionedLog) -> Response:
    """Answer with a log, or that the client has this version of it."""
    if found.log is None:
        return answer_unchanged(found.version)
    return await answer_stored(request, found.log, describe_version(found.version))


async def answer_stored(request: Request, stored: Stored, headers: dict[str, str] | None = None) -> Response:
    """Answer with stored JSON in an encoding that the client takes.

    The plain text of a compressed answer is made and released in a thread: the event loop never holds it. (The threads
    are not `Context.run`'s, which are busy with traces that come in.)
    """
    encoding = choose_encoding(request.scope["headers"])
    body = await asyncio.to_thread(_encode, stored, encoding)
    encoded = {} if encoding is None else {"Content-Encoding": encoding}
    return Response(body, media_type=MEDIA_TYPE, headers={**(headers or {"Vary": DEPENDS_ON}), **encoded})


def _encode(stored: Stored, encoding: str | None) -> bytes:
    match encoding:
        case "zstd":
            return stored.pack()
        case None:
            return stored.unpack()
        case _:
            return compress_body(stored.unpack(), encoding)
