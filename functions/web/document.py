"""Work on stored documents. A separate module, so that functions that don't show logs don't import the scoring."""

from collections.abc import Callable
from typing import TypeVarTuple

from fastapi import Request

from core.wire.zstandard import read_size
from functions.web.account import find_account
from functions.web.body import LIGHT_BYTES
from functions.web.context import Context

Ts = TypeVarTuple("Ts")


async def work_on_document(
    request: Request, context: Context, function: Callable[[bytes, *Ts], bytes], document: bytes, *arguments: *Ts
) -> bytes:
    """Call a function with a document's frame: in a thread, or in a separate process if the document is large.

    Raises:
        BusyError: the byte budget is used up.
    """
    account = await find_account(request)
    with context.budget.reserve(account) as reservation:
        reservation.grow_within_share(len(document))
        if is_light(document):
            return await context.run_light(account, function, document, *arguments)
        return await context.run_heavy(account, function, document, *arguments)


def is_light(document: bytes) -> bool:
    """Return whether a document is small when decompressed. False if the frame doesn't give the size."""
    size = read_size(document)
    return size is not None and size <= LIGHT_BYTES
