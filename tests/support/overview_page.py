"""Requests for the overview of the viewer."""

import json
from collections.abc import Iterable

from tests.support.client import Client
from tests.support.documents import Document, added, forward, make_document, number, sampled

DAYS = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]
PATH = "/overview?from=2026-03-01&to=2026-03-04"


def make_sure(request_id: str, prob: float, day: str = DAYS[0], **request: object) -> Document:
    """Make a trace of one token with this probability."""
    probs = {5: prob, 6: (1 - prob) / 2}
    top: list[Document] = [
        {"token": token, "prob": probs[token]} for token in sorted(probs, key=lambda one: -probs[one])
    ]
    events = number([forward(top), sampled(), added(5)])
    return make_document(request_id, events, request={"created_at": f"{day}T12:00:00Z", "model": "m", **request})


def post(client: Client, documents: Iterable[Document]) -> None:
    lines = "\n".join(json.dumps(document) for document in documents)
    answer = client.post_bytes("/v1/ingest", lines.encode(), content_type="application/x-ndjson")
    assert {one["status"] for one in answer.json["results"]} == {201}
