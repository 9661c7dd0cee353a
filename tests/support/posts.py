"""Traces that many tests post."""

import json
from typing import Any

from tests.support.client import Answer, Client
from tests.support.documents import added, forward, make_document, number, one_token, sampled
from tests.support.keys import ADMIN_KEY


def post(client: Client, *ids: str, user: str | None = None, **request: Any) -> None:
    """Post a trace of one token under each id, with the admin key and the user's key in the trace."""
    for request_id in ids:
        fields = {"user_api_key": user, **request} if user else request
        answer = client.ingest(make_document(request_id, number(one_token()), request=fields), x_api_key=ADMIN_KEY)
        assert answer.status == 201, answer.data


def post_probs(client: Client, request_id: str, probs: list[float], **request: Any) -> None:
    """Post a request whose tokens have these probabilities, each in a list of two."""
    events: list[dict[str, Any]] = []
    for prob in probs:
        top = [{"token": 5, "prob": prob}, {"token": 6, "prob": 1 - prob}]
        events += [forward(top), sampled(), added(5)]
    answer = client.ingest(make_document(request_id, events=number(events), request=request))
    assert answer.status == 201, answer.data


def judge(client: Client, request_id: str, **verdict: Any) -> Answer:
    """Record an outcome."""
    return client.post_bytes(f"/logs/{request_id}/outcome", json.dumps(verdict).encode(), x_api_key=client.key)
