"""Logging: JSON lines with the request id, or text on a terminal, without values from rows or bodies.

LOG_LEVEL is a level, levels of single loggers, or both: `warning,core.db=debug`. A logger includes its children. If
unset, RUST_LOG applies. `trace`, `warn`, `off` and `::` are accepted as in Rust; Python has no level below debug.
"""

import contextvars
import json
import logging
import re
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

import orjson
from typing_extensions import override

from core.errors import InvalidInputError

DEFAULT_LEVEL = "info"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_RUST_LEVELS = {"trace": logging.DEBUG, "warn": logging.WARNING, "off": logging.CRITICAL + 1}
DATABASE = "core.db"
"""The logger of the database. At debug, it logs the duration of each use of a connection."""

http_request_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("http_request_id", default=None)
"""The X-Request-ID of the current request."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
# Postgres and pydantic quote rows and inputs, which contain prompts and answers. A value may span several lines, so
# everything up to the next traceback is removed.
_END = r"(?=\n+[ |]*(?:During handling|The above exception)|\Z)"
_DETAIL = re.compile(rf"^[ |]*(?:DETAIL|CONTEXT|QUERY):.*?{_END}", re.MULTILINE | re.DOTALL)
_INPUT = re.compile(r"input_value=[^\n]*")
_QUOTED = re.compile(r'"[^"]{64,}"')
"""A quoted value in a message of Postgres. Names of constraints and columns have at most 63 bytes."""
_CHATTY = ("uvicorn.error", "uvicorn.asgi", "websockets", "httpcore")
"""Loggers that write headers and messages at debug, and each start, stop and connection at info."""
# No line shows the thread or the process, which take time to find.
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
_RECORD_FIELDS = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}
"""The attributes of every record, and uvicorn's copy of the message."""


def read_levels(text: str) -> tuple[int, dict[str, int]]:
    """Parse LOG_LEVEL into the root level and the levels of single loggers.

    Raises:
        InvalidInputError: a part is neither a level nor `logger=level`.
    """
    root, single = LEVELS[DEFAULT_LEVEL], dict[str, int]()
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, level = (piece.strip() for piece in part.rpartition("="))
        number = {**LEVELS, **_RUST_LEVELS}.get(level.lower())
        name = name.replace("::", ".")
        if number is None or (equals and not _NAME.fullmatch(name)):
            known = ", ".join(LEVELS)
            raise InvalidInputError(f"LOG_LEVEL: {part!r} is not a level; write one of {known}, or logger=level")
        if equals:
            single[name] = number
        else:
            root = number
    return root, single


def configure_logging(levels: str, stream: TextIO | None = None, *, keep: bool = False) -> None:
    """Send all log lines to a stream (default: stderr), as text on a terminal and as JSON elsewhere.

    A second call replaces the configuration, or keeps it if `keep` is set.
    """
    if keep and any(isinstance(one, _Handler) for one in logging.getLogger().handlers):
        return
    root_level, single = read_levels(levels)
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_TextFormatter() if handler.stream.isatty() else _LineFormatter())
    root = logging.getLogger()
    for previous in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(previous)
    root.addHandler(handler)
    root.setLevel(root_level)
    quiet = logging.INFO if root_level < logging.INFO else logging.WARNING
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(root_level, quiet))
    for name, level in single.items():
        logging.getLogger(name).setLevel(max(level, logging.INFO) if name in _CHATTY else level)


class _Handler(logging.StreamHandler[TextIO]):
    """Thunder's handler, to distinguish it from other handlers."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        record.http_request_id = http_request_id.get()
        return super().format(record)


class _Formatter(logging.Formatter):
    """A formatter that removes values from tracebacks."""

    @override
    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return hide_values(super().formatException(ei))


class _LineFormatter(_Formatter):
    """One JSON object per line: the fields of all lines, and the record's `extra`."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _RECORD_FIELDS},
        }
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str).decode()
        except orjson.JSONEncodeError:
            return json.dumps(line, default=str)  # a lone surrogate, or a large number


class _TextFormatter(_Formatter):
    """One line of text per record, for terminals."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")


def hide_values(text: str) -> str:
    """Remove the rows that Postgres quotes, and the inputs that pydantic quotes, from a traceback."""
    text = _INPUT.sub("input_value=…", _DETAIL.sub("(detail left out)", text))
    return _QUOTED.sub('"…"', text)
