"""Small traces, built by hand."""

from typing import Any

Document = dict[str, Any]

TOP = [{"token": 5, "logprob": -0.5, "token_str": "five"}, {"token": 6, "logprob": -1.5, "token_str": "six"}]


def make_document(request_id: str = "r1", events: list[Document] | None = None, **parts: Any) -> Document:
    return {"request": {"request_id": request_id, **parts.pop("request", {})}, "events": events or [], **parts}


def number(events: list[Document]) -> list[Document]:
    """Give events their sequence_order, and a step if they have none."""
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
    """A whole generation step."""
    return [forward(), sampled(token, text), added(token)]


def call(order: int, event_type: str = "Sampled", mod: str = "nudge", **fields: Any) -> Document:
    return {"event_sequence_order": order, "mod_name": mod, "event_type": event_type, "step": 0, **fields}


def action(kind: str, call_index: int = 0, **fields: Any) -> Document:
    return {"mod_call_sequence": call_index, "action_type": kind, "action_order": 0, **fields}
