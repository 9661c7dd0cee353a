"""HTTP client for a running Thunder."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from core.errors import ThunderError
from core.wire.http_call import JSON, Answer, NoAnswerError, call

TIMEOUT_S = 120


class RefusedError(ThunderError):
    """The server returned an error, or could not be started. The message includes the server's own."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The URL of a Thunder server, and the API key to use."""

    url: str
    key: str

    def answers(self) -> bool:
        """Return whether a Thunder server answers at the URL."""
        try:
            content = self.call("GET", "/livez").content
        except NoAnswerError:
            return False
        return isinstance(content, dict) and content.get("status") == "ok"

    def ingest_all(self, traces: list[dict[str, Any]]) -> None:
        """Post some traces, in one call.

        Raises:
            RefusedError: one of them was rejected.
        """
        for result in self._post("/v1/ingest", traces)["results"]:
            if result["status"] >= 400:
                raise RefusedError(f"POST /v1/ingest: refused {result['request_id']}: {result['error']}")

    def record_outcome(self, request_id: str, *, correct: bool, source: str) -> None:
        """Record whether the answer of a request was correct."""
        self._post(f"/logs/{quote(request_id, safe='')}/outcome", {"correct": correct, "source": source})

    def call(self, method: str, path: str, body: bytes | None = None, content_type: str = JSON) -> Answer:
        """Call the server with the key.

        Raises:
            NoAnswerError: it does not answer.
        """
        return call(method, self.url + path, key=self.key, body=body, content_type=content_type, timeout_s=TIMEOUT_S)

    def _post(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        answer = self.call("POST", path, json.dumps(body).encode())
        if answer.status >= 400:
            raise RefusedError(f"POST {path}: answered {answer.status}; {answer.sentence}")
        return answer.content
