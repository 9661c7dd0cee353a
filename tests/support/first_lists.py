"""Traces whose first top-k lists are drawn from a distribution."""

import math
import random
from datetime import datetime
from typing import Any

from tests.support.client import Client
from tests.support.documents import added, forward, make_document, number, sampled


def draw_list(noise: random.Random, *, shift: float = 0.0) -> list[dict[str, Any]]:
    """Return a list of five tokens with batch noise."""
    logits = [i * -1.0 + (shift if i % 2 else 0.0) + noise.gauss(0, 0.1) for i in range(5)]
    total = math.log(math.fsum(map(math.exp, logits)) + 0.01)
    rows = [{"token": i, "token_str": f"t{i}", "logprob": one - total} for i, one in enumerate(logits)]
    return sorted(rows, key=lambda row: -row["logprob"])


def post_quote(client: Client, request_id: str, created_at: datetime, top: list[dict[str, Any]], prompt: str) -> None:
    pass_ = {**forward(top), "input_text": prompt}
    document = make_document(
        request_id, number([pass_, sampled(1), added(1)]), request={"created_at": created_at.isoformat(), "model": "m"}
    )
    assert client.ingest(document).status == 201
