"""Another app's database: 503 on everything, answers included that take nothing from it.

Whatever uses the database checks its owner there and then (core.database.pool). What is left are refusals, scores and
pages: for those this asks, and remembers for a few seconds, so that refusing strangers does not cost a query each.
"""

import time
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from core.database.health import ask_in_time
from core.database.pool import DatabaseUnavailableError, ForeignDatabaseError, check_owner
from functions.web.context import Context
from functions.web.errors import RETRY_AFTER_S, refuse, render_error

REMEMBERED_S = 5
"""An answer that reads and writes nothing may be this much behind a database that is swapped under it."""
LIVENESS = "/livez"


class OwnerGuard:
    """ASGI middleware: replaces what would be answered by the sentence that says whose database this is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.ours_at = -float("inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and look whose the database is before the answer leaves, or a WebSocket is opened."""
        if scope["type"] == "websocket":
            sentence = await self._find_foreign_owner(scope["app"].state.context)
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
                sentence = await self._find_foreign_owner(scope["app"].state.context)
                if sentence is not None:
                    replaced = True
                    await render_error(503, sentence, {"Retry-After": RETRY_AFTER_S})(scope, receive, send)
            if not replaced:
                await send(message)

        await self.app(scope, receive, guard)

    async def _find_foreign_owner(self, context: Context) -> str | None:
        """The sentence, if the database is another app's; null if it is ours, or cannot be asked."""
        pool = context.access.open_pool
        if pool is None or time.monotonic() - self.ours_at < REMEMBERED_S:
            return None
        try:
            await ask_in_time(check_owner(pool))
        except ForeignDatabaseError as error:
            return str(error)  # not remembered: what was stored since must not be denied
        except DatabaseUnavailableError:
            return None
        self.ours_at = time.monotonic()
        return None
