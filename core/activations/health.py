"""The health of the activations page. Each check wakes two GPU containers, so a process keeps the result."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel

from core.access.access import Access
from core.access.caller import Scope
from core.access.limits import open_keyless
from core.errors import ThunderError
from core.settings import Settings
from core.upstream.errors import UpstreamError
from core.upstream.server import Server, find_hf_server, find_sae_server

if TYPE_CHECKING:
    from core.upstream.client import Upstreams

REMEMBERED_S = 30.0
TIMEOUT_S = 5.0


class ActivationsHealth(BaseModel):
    """Whether runs can be made and read.

    Attributes:
        status: ok if both the database and the HF server can be reached, else degraded.
        sae_service_reachable: the same as sae_reachable.
        last_error: the first problem; None without a problem.
    """

    status: str
    index_db_reachable: bool
    hf_inference_reachable: bool
    sae_reachable: bool
    sae_service_reachable: bool
    last_error: str | None


@dataclass(slots=True)
class Probes:
    """The result of the last probes of this process. Callers wait for probes that are running."""

    _outcome: tuple[str | None, str | None] = (None, None)
    _expires: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def probe(self, upstreams: "Upstreams", settings: Settings) -> tuple[str | None, str | None]:
        """Return the problems of the HF server and of the SAE server; None for a server that answers."""
        async with self._lock:
            if time.monotonic() >= self._expires:
                servers = find_hf_server(settings), find_sae_server(settings)
                hf, sae = await asyncio.gather(*(_probe(upstreams, server) for server in servers))
                self._outcome, self._expires = (hf, sae), time.monotonic() + REMEMBERED_S
            return self._outcome


async def read_health(
    access: Access, upstreams: "Upstreams", probes: Probes, settings: Settings, key: str | None
) -> ActivationsHealth:
    """Check the database, the HF server and the SAE server.

    Raises:
        UnauthorizedError: there is no key, and PLAYGROUND_KEYLESS is not set; or the key is not live.
    """
    database: str | None = None
    try:
        async with asyncio.timeout(TIMEOUT_S), open_keyless(access, key, Scope.READ):
            pass
    except TimeoutError:
        database = f"database: did not answer within {TIMEOUT_S:g} s; try again later"
    except ThunderError as error:
        if error.status < 500:
            raise
        database = str(error)
    # Without the database, the key can't be checked, and an unknown caller must not wake the servers.
    hf, sae = await probes.probe(upstreams, settings) if database is None else ("", "")
    return ActivationsHealth(
        status="ok" if database is None and hf is None else "degraded",
        index_db_reachable=database is None,
        hf_inference_reachable=hf is None,
        sae_reachable=sae is None,
        sae_service_reachable=sae is None,
        last_error=database or hf or sae,
    )


async def _probe(upstreams: "Upstreams", server: Server) -> str | None:
    try:
        await upstreams.probe(server, "/health", timeout_s=TIMEOUT_S)
    except UpstreamError as error:
        return str(error)
    return None
