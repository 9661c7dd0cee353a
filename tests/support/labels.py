"""Labeled requests: one token each, with a chosen probability and outcome."""

import json
import math
import random
from typing import Any

import psycopg

from tests.support.client import Client
from tests.support.documents import added, forward, make_document, number, sampled
from tests.support.keys import ADMIN_KEY

MODEL = "labelled-model"
UNKNOWN: dict[str, Any] = {"before": None, "after": {"value": None, "lo": None, "hi": None}}


def make_answer(request_id: str, prob: float, **request: Any) -> dict[str, Any]:
    """Return a trace whose only token has this probability; its sequence confidence is the same."""
    top = [{"token": 5, "logprob": math.log(prob)}, {"token": 6, "logprob": math.log1p(-prob)}]
    events = number([forward(top), sampled(), added(5)])
    return make_document(request_id, events=events, request={"model": MODEL, **request})


def draw_labels(count: int, seed: int = 0) -> list[tuple[float, bool]]:
    """Draw probabilities, some of them equal, and outcomes that depend on them."""
    draw = random.Random(seed)
    probs = [round(draw.uniform(0.05, 0.95), 2) if index % 3 else draw.uniform(0.05, 0.95) for index in range(count)]
    return [(prob, draw.random() < prob**2 + 0.1) for prob in probs]


def post_labelled(
    client: Client, sql: psycopg.Connection, labels: list[tuple[float, bool]], prefix: str = "l", **request: Any
) -> None:
    """Post requests `<prefix>0`, `<prefix>1`, … and record their outcomes."""
    lines = [json.dumps(make_answer(f"{prefix}{i}", prob, **request)) for i, (prob, _) in enumerate(labels)]
    answer = client.post_bytes(
        "/v1/ingest", "\n".join(lines).encode(), content_type="application/x-ndjson", x_api_key=ADMIN_KEY
    )
    assert (answer.status, len(answer.json["results"])) == (207, len(labels)), answer.data
    statement = "insert into outcomes (request_pk, source, correct)"
    statement += " select id, 'test', %s from requests where request_id = %s"
    with sql.cursor() as cursor:
        cursor.executemany(statement, [(right, f"{prefix}{i}") for i, (_, right) in enumerate(labels)])


def insert_calibrator(sql: psycopg.Connection, owner_label: str | None = None) -> int:
    """Insert a calibrator of a user whose traces are stored, or of the admins, and return its id."""
    made = sql.execute(
        """
        insert into calibrators (
            user_key_hmac, user_key_label, for_users, model, k, version, is_active, score, method, slope, intercept,
            n, correct, labelled_from, labelled_to, quality
        )
        select
            (select user_key_hmac from requests where user_key_label = %(label)s limit 1), %(label)s, %(label)s is null,
            'a model', 20, (select count(*) + 1 from calibrators), false, 'sequence_confidence', 'platt', -1, 0,
            100, 50, now(), now(), %(quality)s::jsonb
        returning id
        """,
        {"label": owner_label, "quality": json.dumps({"folds": 10, "ece": UNKNOWN, "brier": UNKNOWN})},
    ).fetchone()
    assert made is not None
    return made[0]
