"""HTTP calls of commands to a running server."""

import json
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from core.errors import ThunderError


class NoAnswerError(ThunderError):
    """The server does not answer."""

    status = 503


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, the body and the headers of an answer. Names of headers match in any case."""

    status: int
    body: bytes
    headers: Message = field(default_factory=Message)

    @property
    def content(self) -> Any:  # noqa: ANN401 - JSON
        """The body as JSON; None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def sentence(self) -> str:
        """Thunder's error message, or the status."""
        content = self.content
        known = isinstance(content, dict) and isinstance(content.get("error"), str)
        return content["error"] if known else f"the server answered {self.status}"


JSON = "application/json"


def call(  # noqa: PLR0913 - the parts of a request
    method: str,
    url: str,
    *,
    key: str | None = None,
    body: bytes | None = None,
    content_type: str = JSON,
    timeout_s: float,
) -> Answer:
    """Call a server.

    Raises:
        NoAnswerError: it does not answer.
    """
    headers = {"Content-Type": content_type} | ({} if key is None else {"X-API-Key": key})
    request = Request(url, body, headers, method=method)  # noqa: S310 - the user's own URL
    try:
        with urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 - as above
            return Answer(answer.status, answer.read(), answer.headers)
    except HTTPError as error:
        with error:
            return Answer(error.code, error.read(), error.headers)
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswerError(f"{url}: does not answer; {error}") from None
