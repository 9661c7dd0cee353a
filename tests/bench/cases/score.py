"""POST /v1/score: parse a trace of 1 800 tokens and write all scores of all tokens."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from tests.bench.case import Case, Group
from tests.bench.measure import Measured, alternate, time_call
from tests.bench.payload import build_trace
from tests.bench.stage import AS_ADMIN, Stage
from tests.bench.wire import JSON_TYPE, Wire, encode

TOKENS = 1800
WINDOW = 256
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Scene:
    """A client, a trace, and its log-probabilities as one array."""

    stage: Stage
    wire: Wire
    body: bytes
    logprobs: Array


@contextmanager
def open_scene(stage: Stage) -> Generator[Scene]:
    """Start one server."""
    body = build_trace(TOKENS)
    with stage.main.connect() as wire:
        yield Scene(stage, wire, body, read_array(body))


def read_array(body: bytes) -> Array:
    """Return the top 20 of each pass."""
    events = orjson.loads(body)["events"]
    return np.array([[one["logprob"] for one in event["top_tokens"]] for event in events if event.get("top_tokens")])


def score_array(logprobs: Array) -> tuple[object, ...]:
    """Compute the scores of tokens and sequence, with the best token of each list as the chosen one."""
    probs = np.exp(logprobs)
    mass = probs.sum(axis=1)
    entropy = -(probs * logprobs).sum(axis=1)
    confidence = -logprobs.mean(axis=1)
    sums = np.concatenate([[0.0], np.cumsum(confidence)])
    groups = (sums[WINDOW:] - sums[:-WINDOW]) / WINDOW
    nll = -logprobs[:, 0]
    nucleus = (np.cumsum(probs, axis=1) < 0.95).sum(axis=1)
    margin = probs[:, 0] - probs[:, 1]
    tail, bottom = confidence[-2048:].mean(), np.sort(groups)[: max(1, len(groups) // 10)].mean()
    return mass, entropy, 1 - mass, np.cumsum(nll), np.exp(-nll.mean()), groups.min(), tail, bottom, nucleus, margin


def score(scene: Scene, floor: str) -> Measured:
    """Score the trace. The floor starts with the array, or with the bytes."""
    request = encode("POST", "/v1/score", {**AS_ADMIN, **JSON_TYPE}, scene.body)

    def calculate() -> float:
        if floor == "array":
            return time_call(lambda: score_array(scene.logprobs))
        return time_call(lambda: score_array(read_array(scene.body)))

    return alternate(lambda: scene.wire.time(200, request), calculate, n=scene.stage.choose(30, 4), warmup=1)


GROUP = Group(
    "score",
    open_scene,
    [
        Case("score 1800 tokens", "numpy over the same array", lambda scene: score(scene, "array")),
        Case(
            "score 1800 tokens, JSON and all",
            "orjson.loads, conversion to an array, numpy over it",
            lambda scene: score(scene, "bytes"),
        ),
    ],
)
