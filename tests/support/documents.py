"""Traces: small ones built event by event, and the recorded ones of docs/samples."""

import json
from pathlib import Path
from typing import Any

from tests.support.keys import label

Document = dict[str, Any]
TRACES = Path(__file__).parents[2] / "docs" / "samples"

TOP = [{"token": 5, "logprob": -0.5, "token_str": "five"}, {"token": 6, "logprob": -1.5, "token_str": "six"}]


def make_document(request_id: str = "r1", events: list[Document] | None = None, **parts: Any) -> Document:
    return {"request": {"request_id": request_id, **parts.pop("request", {})}, "events": events or [], **parts}


def number(events: list[Document]) -> list[Document]:
    """Set the sequence_order of events, and step 0 where an event has no step."""
    return [{"step": 0, "sequence_order": order, **event} for order, event in enumerate(events)]


def forward(top_tokens: list[Document] | None = None, **fields: Any) -> Document:
    return {"event_type": "ForwardPass", "top_tokens": TOP if top_tokens is None else top_tokens, **fields}


def sampled(token: int = 5, text: str = "five", **fields: Any) -> Document:
    return {"event_type": "Sampled", "sampled_token": token, "token_text": text, **fields}


def added(*tokens: int, forced: bool = False, **fields: Any) -> Document:
    return {
        "event_type": "Added",
        "added_tokens": list(tokens),
        "added_token_count": len(tokens),
        "forced": forced,
        **fields,
    }


def one_token(token: int = 5, text: str = "five") -> list[Document]:
    """Return the three events of one generation step."""
    return [forward(), sampled(token, text), added(token)]


def call(order: int, event_type: str = "Sampled", mod: str = "nudge", **fields: Any) -> Document:
    return {"event_sequence_order": order, "mod_name": mod, "event_type": event_type, "step": 0, **fields}


def action(kind: str, call_index: int = 0, **fields: Any) -> Document:
    return {"mod_call_sequence": call_index, "action_type": kind, "action_order": 0, **fields}


def trace_names() -> list[str]:
    """List the recorded traces."""
    return sorted(path.stem for path in TRACES.glob("*.json"))


def load_trace(name: str) -> Document:
    """Read a recorded trace."""
    return json.loads((TRACES / f"{name}.json").read_bytes())


def masked(document: Document) -> Document:
    """Return the stored form of a document: with the label in place of the user API key, otherwise unchanged."""
    request = document["request"]
    if not request.get("user_api_key"):
        return document
    return {**document, "request": {**request, "user_api_key": label(request["user_api_key"])}}
