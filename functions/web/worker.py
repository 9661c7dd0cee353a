"""The application as uvicorn's processes load it, with the settings that belong to a process instead of an app."""

import logging
import multiprocessing
import os
import signal
import threading
import time

from fastapi import FastAPI
from websockets import http11

from functions import api
from functions.web.lifespan import KEEPS_SCHEDULE

MAX_LINE_BYTES = 64 * 1024
"""Longest line of a WebSocket handshake."""
PARENT_CHECK_S = 0.5


def web() -> FastAPI:
    """Build the application of all endpoints."""
    logging.getLogger("uvicorn.error").addFilter(_hide_queries)
    # websockets would hang on a longer line. Up to this length, functions.web.limits can refuse the request.
    http11.MAX_LINE_LENGTH = MAX_LINE_BYTES
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_follow_parent, args=[parent.pid], daemon=True).start()
    app = api.web()
    setattr(app.state, KEEPS_SCHEDULE, True)
    return app


def _hide_queries(record: logging.LogRecord) -> bool:
    """Remove queries from uvicorn's log lines of WebSockets, because a query may hold a key."""
    if isinstance(record.args, tuple):
        record.args = tuple(one.partition("?")[0] if isinstance(one, str) else one for one in record.args)
    return True


def _follow_parent(parent: int) -> None:
    """Stop when the parent process has ended for any reason, so that the port is free for the next start."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os.kill(os.getpid(), signal.SIGTERM)
