"""Write the errors of exports in protobuf as OTLP/HTTP requires: a google.rpc.Status in the encoding of the request.

The JSON of all other errors is a Status, too: OTLP uses only its `message`, and ignores unknown fields.

Sources: OpenTelemetry's "OTLP Specification", section "OTLP/HTTP Response"; google/rpc/code.proto, which gives the HTTP
status of each code.
"""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.web.body import PROTOBUF, read_type

PATH = "/v1/traces"
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 408: 4, 409: 10, 429: 8, 499: 1, 501: 12, 503: 14, 504: 4}
_INVALID_ARGUMENT, _INTERNAL = 3, 13


class OtlpErrors:
    """ASGI middleware that rewrites the errors of exports. All parts that answer errors are inside of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        is_post = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].rstrip("/") == PATH
        if not is_post or read_type(Request(scope)) != PROTOBUF:
            await self.app(scope, receive, send)
            return
        # Answers to exports are short. A compressed one could not be rewritten.
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self.app(scope, receive, _Rewriter(send).send)


class _Rewriter:
    """Holds an error until it is complete, and sends it as a Status. Other answers pass."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Send a message, or keep it."""
        if message["type"] == "http.response.start" and message["status"] >= 400:
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = write_status(start["status"], _read_sentence(self._body))
        kept = [pair for pair in start["headers"] if pair[0].lower() not in (b"content-type", b"content-length")]
        described = [(b"content-type", PROTOBUF.encode()), (b"content-length", str(len(body)).encode())]
        await self._send({**start, "headers": [*kept, *described]})
        await self._send({"type": "http.response.body", "body": body})


def write_status(status: int, sentence: str) -> bytes:
    """Return a google.rpc.Status for an HTTP status."""
    from google.rpc.status_pb2 import Status  # noqa: PLC0415 - only needed here

    code = _CODES.get(status, _INVALID_ARGUMENT if status < 500 else _INTERNAL)
    written: Any = Status(code=code, message=sentence)
    content: bytes = written.SerializeToString()
    return content


def _read_sentence(body: bytes) -> str:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")
    return str(found.get("message") if isinstance(found, dict) else found)
