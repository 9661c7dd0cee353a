"""The limits of a connection's heads (request lines and headers), and the errors of connections that exceed a limit."""

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

MAX_PENDING_BYTES = 64 * 1024
"""Maximum bytes received after the last complete head, trailer or piece of a body."""
MAX_HEADERS = 100
MAX_PIPELINED = 8
"""Maximum pipelined requests of a connection. Each of them is parsed as soon as it arrives."""
HEAD_S = 10.0
"""Time from the start of a connection, or the first byte of a later request, until the head is complete."""

Refusal = tuple[int, str]
"""Status and message."""

CROWDED: Refusal = (503, "the server has reached its limit of connections; try again")
TOO_MANY_CONNECTIONS: Refusal = (429, "connections: your address has too many; close some")
HEAD_TOO_LARGE: Refusal = (431, f"request line or headers: longer than {MAX_PENDING_BYTES // 1024} KiB; send less")
TOO_MANY_HEADERS: Refusal = (431, f"headers: more than {MAX_HEADERS}; send fewer")
TOO_MANY_PIPELINED: Refusal = (429, f"requests: more than {MAX_PIPELINED} are pipelined; wait for answers")
UPGRADE_TOO_EARLY: Refusal = (
    400,
    "Upgrade: a previous request is not answered yet; wait for its answer",
)
HEAD_TOO_SLOW: Refusal = (408, f"headers: did not arrive within {HEAD_S:.0f} s; send them faster")


def render_refusal(status: int, message: str) -> bytes:
    """Return a response that ends its connection."""
    body = orjson.dumps({"error": message, "message": message, "code": status})
    head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n" % len(body)
    retry = b"retry-after: 1\r\n" if status in (429, 503) else b""
    return b"".join([STATUS_LINE[status], head, retry, b"\r\n", body])
