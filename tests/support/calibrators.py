"""Fit calibrators, and compare them with a reference."""

import json
from typing import Any

from tests.support.client import Answer, Client
from tests.support.keys import ADMIN_KEY
from tests.support.labels import draw_labels, make_answer

LABELS = draw_labels(150)


def fit(client: Client, key: str = ADMIN_KEY, **fields: Any) -> Answer:
    body = {"score": "sequence_confidence", "method": "isotonic", **fields}
    return client.post_bytes("/v1/calibrators", json.dumps(body).encode(), x_api_key=key)


def fit_well(client: Client, key: str = ADMIN_KEY, **fields: Any) -> dict[str, Any]:
    answer = fit(client, key, **fields)
    assert answer.status == 201, answer.data
    return answer.json["calibrator"]


def post_new(client: Client, request_id: str, prob: float = 0.5, **request: Any) -> dict[str, Any]:
    answer = client.ingest(make_answer(request_id, prob, **request), x_api_key=ADMIN_KEY)
    assert answer.status == 201, answer.data
    return answer.json


def refer(calibrator: dict[str, Any]) -> dict[str, int]:
    return {"id": calibrator["id"], "version": calibrator["version"]}
