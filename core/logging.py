"""Log lines: JSON with the request's id, plain text on a terminal; never a value out of a row or a body.

LOG_LEVEL is a level, or levels of single loggers, or both: `warning,core.db=debug`. A name covers those below it.
"""

import contextvars
import logging
import re
import sys
from typing import TextIO

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from typing_extensions import override

from core.errors import InvalidInputError

DEFAULT_LEVEL = "info"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
DATABASE = "core.db"
"""The logger of the database: at debug, what each use of a connection took."""

http_request_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("http_request_id", default=None)
"""X-Request-ID of the request that is being served."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
# What Postgres and pydantic add to their messages: rows and inputs, which are prompts and answers. A value may have
# lines of its own, so all is left out up to the next traceback.
_END = r"(?=\n+[ |]*(?:During handling|The above exception)|\Z)"
_DETAIL = re.compile(rf"^[ |]*(?:DETAIL|CONTEXT|QUERY):.*?{_END}", re.MULTILINE | re.DOTALL)
_INPUT = re.compile(r"input_value=[^\n]*")
_QUOTED = re.compile(r'"[^"]{64,}"')
"""In Postgres's messages. A constraint's or a column's name has 63 bytes at most."""
_CHATTY = ("uvicorn.error", "uvicorn.asgi", "websockets")
"""At debug they write out headers and messages."""


def read_levels(text: str) -> tuple[int, dict[str, int]]:
    """What LOG_LEVEL says: the level of everything, and those of single loggers.

    Raises:
        InvalidInputError: a part of it is neither a level nor `logger=level`.
    """
    root, single = LEVELS[DEFAULT_LEVEL], dict[str, int]()
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, level = (piece.strip() for piece in part.rpartition("="))
        if level.lower() not in LEVELS or (equals and not _NAME.fullmatch(name)):
            known = ", ".join(LEVELS)
            raise InvalidInputError(f"LOG_LEVEL: {part!r} is neither a level ({known}) nor logger=level")
        if equals:
            single[name] = LEVELS[level.lower()]
        else:
            root = LEVELS[level.lower()]
    return root, single


def configure_logging(levels: str, stream: TextIO | None = None, *, keep: bool = False) -> None:
    """Send all log lines to a stream (stderr), as JSON unless it is a terminal.

    Again replaces what it did before; with `keep`, it leaves that as it is.
    """
    if keep and any(isinstance(one, _Handler) for one in logging.getLogger().handlers):
        return
    root_level, single = read_levels(levels)
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_TextFormatter() if handler.stream.isatty() else _LineFormatter())
    root = logging.getLogger()
    for former in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(root_level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(root_level, logging.INFO))
    for name, level in single.items():
        logging.getLogger(name).setLevel(max(level, logging.INFO) if name in _CHATTY else level)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, to be told from others'."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        record.http_request_id = http_request_id.get()
        return super().format(record)


class _LineFormatter(JsonFormatter):
    """One JSON object per line."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            timestamp=True,
            json_ensure_ascii=False,
            rename_fields={"levelname": "level", "name": "logger"},
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],  # uvicorn's, the same once more
        )

    @override
    def formatException(self, ei: object) -> str:
        return hide_values(super().formatException(ei))  # pyrefly: ignore[bad-argument-type]


class _TextFormatter(logging.Formatter):
    """For whoever watches a terminal."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    @override
    def formatException(self, ei: object) -> str:
        return hide_values(super().formatException(ei))  # pyrefly: ignore[bad-argument-type]


def hide_values(text: str) -> str:
    """A traceback without the rows that Postgres quotes, and without the inputs that pydantic does."""
    text = _INPUT.sub("input_value=…", _DETAIL.sub("(detail left out)", text))
    return _QUOTED.sub('"…"', text)
