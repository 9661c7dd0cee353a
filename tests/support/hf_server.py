"""A stand-in for the HF server of the activations page: it generates fixed tokens, and posts the trace of each run."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.client import Client
from tests.support.documents import added, forward, make_document, number, sampled
from tests.support.keys import ADMIN_KEY
from tests.support.upstream import Answer, Call, Raw

PROMPT_IDS = [128000, 9906, 30]
GENERATED = [(11, "Yes", -0.1), (12, ",", -2.0), (13, " maybe", -0.2), (14, ".", -3.0)]
"""Generated tokens, and the logprob of each; the rest of the distribution is one other token."""


def make_top_tokens(token: int, text: str, logprob: float) -> list[dict[str, Any]]:
    return [{"token": token, "logprob": logprob, "token_str": text}, {"token": 99, "logprob": -4.0, "token_str": "?"}]


def make_timeline(tokens: list[int], top_k: int) -> list[dict[str, Any]]:
    """Feature 1 is always active. Feature 7 is active where the next token is drawn from a flat distribution."""
    doubt = {len(PROMPT_IDS), len(PROMPT_IDS) + 2}
    entries: list[dict[str, Any]] = []
    for position, token in enumerate(tokens):
        features = [{"id": 1, "activation": 5.0 + position}]
        if position in doubt:
            features.append({"id": 7, "activation": 3.5})
        features += [{"id": 100 + position * 10 + index, "activation": 1.0 / (index + 1)} for index in range(3)]
        top = sorted(features, key=lambda one: -one["activation"])[:top_k]
        entries.append({"position": position, "token": token, "token_str": f"t{token}", "top_features": top})
    return entries


@dataclass
class HfServer:
    """The scripts of the server, for `run_upstream`. `post_to` gets the trace before the answer is sent.

    Attributes:
        post_to: a Thunder; None posts nothing.
        user_key: the user key in the trace; the real server posts without one.
        change: replaces an answer.
    """

    post_to: Client | None = None
    user_key: str | None = None
    change: Callable[[dict[str, Any]], Answer] = lambda answer: answer
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def generate(self, call: Call) -> Answer:
        trace_id = f"hf-{next(self.numbers)}"
        generated = GENERATED[: call.body["max_tokens"]]
        tokens = PROMPT_IDS + [token for token, _, _ in generated]
        if self.post_to is not None:
            self.post_trace(trace_id)
        timeline = make_timeline(tokens, call.body["sae_top_k"]) if call.body["inline_sae"] else []
        return self.change(
            {
                "request_id": trace_id,
                "model_id": "meta-llama/Llama-3.1-8B-Instruct",
                "output_text": "".join(text for _, text, _ in generated),
                "output_token_ids": tokens,
                "feature_timeline": timeline,
            }
        )

    def post_trace(self, trace_id: str) -> None:
        events = [
            event
            for token, text, logprob in GENERATED
            for event in (forward(make_top_tokens(token, text, logprob)), sampled(token, text), added(token))
        ]
        request = {"user_api_key": self.user_key} if self.user_key else {}
        document = make_document(trace_id, number(events), request={"model": "hf", **request})
        assert self.post_to is not None
        assert self.post_to.ingest(document, x_api_key=ADMIN_KEY).status == 201

    def extract(self, call: Call) -> Answer:
        return {"feature_timeline": make_timeline(call.body["token_ids"], call.body.get("sae_top_k", 20))}

    def scripts(self) -> dict[str, Any]:
        return {"/hf/generate": self.generate, "/hf/extract": self.extract, "/health": Raw(json.dumps({}).encode())}
