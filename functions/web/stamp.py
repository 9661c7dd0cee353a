"""Answer 503 to every request if the database belongs to another app.

Code that uses the database also checks this (core.database.pool). This middleware covers the answers that don't use it:
refusals, scores and pages. It remembers a successful check for a few seconds, so that refusing requests does not cost a
query each.
"""

import asyncio
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from core.database.connection import Pool
from core.database.health import ask_in_time
from core.database.pool import DatabaseUnavailableError, ForeignDatabaseError, check_stamp
from functions.web.context import Context
from functions.web.errors import RETRY_AFTER_S, refuse, render_error

REMEMBERED_S = 5
"""How long a successful check is remembered, in seconds. It applies only to answers that don't use the database."""
ALWAYS_CHECKED = frozenset({"/auth/me", "/auth/validate", "/metrics"})
"""Paths that answer the configured admin key without using the database, so its app is checked for each call."""
LIVENESS = "/livez"


class ForeignDatabaseGuard:
    """ASGI middleware that replaces answers with a 503 if the database belongs to another app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.ours_at = -float("inf")
        self.check: asyncio.Future[str | None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and check the database before the answer is sent or a WebSocket is accepted."""
        if scope["type"] == "websocket":
            sentence = await self._find_foreign_stamp(scope["app"].state.context)
            if sentence is None:
                await self.app(scope, receive, send)
            else:
                await refuse(scope, receive, send, render_error(503, sentence, {"Retry-After": RETRY_AFTER_S}))
            return
        if scope["type"] != "http" or scope["path"].rstrip("/") == LIVENESS:
            await self.app(scope, receive, send)
            return
        replaced = False

        async def guard(message: MutableMapping[str, Any]) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] < 500:
                if scope["path"].rstrip("/") in ALWAYS_CHECKED:
                    self.ours_at = -float("inf")
                sentence = await self._find_foreign_stamp(scope["app"].state.context)
                if sentence is not None:
                    replaced = True
                    await render_error(503, sentence, {"Retry-After": RETRY_AFTER_S})(scope, receive, send)
            if not replaced:
                await send(message)

        await self.app(scope, receive, guard)

    async def _find_foreign_stamp(self, context: Context) -> str | None:
        """Return the error sentence if the database belongs to another app; None if not, or if it can't be reached."""
        pool = context.access.open_pool
        if pool is None or time.monotonic() - self.ours_at < REMEMBERED_S:
            return None
        if self.check is None:  # requests at the same time share one check
            self.check = asyncio.ensure_future(self._check(pool))
        return await asyncio.shield(self.check)

    async def _check(self, pool: Pool) -> str | None:
        try:
            await ask_in_time(check_stamp(pool))
        except ForeignDatabaseError as error:
            return str(error)  # not remembered: the database may be ours again at the next request
        except DatabaseUnavailableError:
            return None
        finally:
            self.check = None
        self.ours_at = time.monotonic()
        return None
