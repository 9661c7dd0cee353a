"""Extract the features of a token sequence on the HF server. Nothing is stored."""

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from core.access.access import Access
from core.access.caller import Scope
from core.access.limits import CallLimit, count_call, open_keyless
from core.activations.requests import Extraction
from core.activations.run import TIMEOUT_S
from core.settings import Settings
from core.upstream.deadline import Deadline
from core.upstream.errors import BadResponseError
from core.upstream.server import find_hf_server
from core.upstream.timeline import Entry, read_timeline

if TYPE_CHECKING:
    from core.upstream.client import Upstreams

LIMIT = CallLimit("activations extract")


class Extracted(BaseModel):
    """The features of each token."""

    status: str
    feature_timeline: list[Entry]


async def extract_timeline(
    access: Access, upstreams: "Upstreams", settings: Settings, key: str | None, extraction: Extraction
) -> dict[str, Any]:
    """Extract features; return the fields of `Extracted`.

    Raises:
        UnauthorizedError: there is no key, and PLAYGROUND_KEYLESS is not set.
        TooManyCallsError: the key or its address has used up its calls.
        UpstreamError: the setting is missing, or the server does not answer with a timeline.
    """
    deadline, server, asked = Deadline(), find_hf_server(settings), extraction.write(settings)
    async with open_keyless(access, key, Scope.CURATE) as session:
        server.require_url()
        await count_call(session, LIMIT)
    content = await upstreams.post(server, "/hf/extract", asked, timeout_s=deadline.limit(TIMEOUT_S))
    timeline = await asyncio.to_thread(read_timeline, content.get("feature_timeline"))
    if timeline is None:
        raise BadResponseError(f"{server.name}: its answer lacks feature_timeline; check the server")
    return {"status": "ok", "feature_timeline": timeline}
