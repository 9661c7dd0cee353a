"""HTTP client for a running Thunder."""

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from core.errors import ThunderError

TIMEOUT_S = 30


class RefusedError(ThunderError):
    """The server returned an error, or did not answer. The message includes the server's own."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The URL of a Thunder server, and the API key to use."""

    url: str
    key: str

    def answers(self) -> bool:
        """Whether a Thunder server answers at the URL."""
        try:
            return self._call("GET", "/livez")["status"] == "ok"
        except (RefusedError, KeyError, TypeError):
            return False

    def ingest(self, trace: dict[str, Any]) -> None:
        """Post one trace."""
        self._call("POST", "/v1/ingest", trace)

    def record_outcome(self, request_id: str, *, correct: bool, source: str) -> None:
        """Record whether the answer of a request was correct."""
        self._call("POST", f"/logs/{quote(request_id, safe='')}/outcome", {"correct": correct, "source": source})

    def _call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        request = Request(self.url + path, data, headers, method=method)  # noqa: S310 - the user's own URL
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
                return json.load(answer)
        except HTTPError as error:
            with error:
                raise RefusedError(f"{method} {path} answered {error.code}: {_read_sentence(error)}") from None
        except (OSError, HTTPException, ValueError) as error:
            raise RefusedError(f"{self.url} does not answer: {error}") from None


def _read_sentence(error: HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason)
