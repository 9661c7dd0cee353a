"""Read the plain format, for tokens that don't come from a server response. Documented at POST /v1/score."""

import math

from core.confidence import Distribution, Token, read_chosen_logprob, read_distribution, read_prob
from core.errors import InvalidInputError
from core.responses.expect import (
    Body,
    expect_id,
    expect_list,
    expect_object,
    expect_text,
    expect_tokens,
    find_id,
    find_text,
)
from core.responses.reading import Completion, Reading
from core.responses.shape import Shape
from core.responses.summary import Summary

_TELLING = ("token", "token_id", "text", "logprob", "prob", "top_tokens", "forced")


def _read(body: Body) -> Reading:
    """Read `{tokens: [{token?, text?, logprob? | prob?, forced?, top_tokens?: [{token?, text?, logprob | prob}]}]}`."""
    rows = [expect_object(row, f"tokens[{i}]") for i, row in enumerate(expect_tokens(body["tokens"], "tokens"))]
    kept = [(i, row) for i, row in enumerate(rows) if any(row.get(key) is not None for key in _TELLING)]
    warnings = ()
    if len(kept) < len(rows):
        warnings = (f"tokens: {len(rows) - len(kept)} of {len(rows)} have no id, text or logprob and are ignored",)
    return Reading(
        [_read_row(row, f"tokens[{i}]") for i, row in kept], Completion(find_text(body.get("text"))), warnings
    )


def _read_row(row: Body, path: str) -> Token:
    forced = _read_flag(row.get("forced"), f"{path}.forced")
    token, text = row.get("token"), row.get("text")
    if row.get("token_id") is not None:  # then `token`, if it is a string, holds the text
        token, text = row["token_id"], token if isinstance(token, str) else text
    return Token(
        expect_id(token, f"{path}.token"),
        expect_text(text, f"{path}.text"),
        _read_logprob(row, path, forced=forced),
        forced=forced,
        distribution=_read_list(row.get("top_tokens"), f"{path}.top_tokens"),
    )


def _read_logprob(row: Body, path: str, *, forced: bool) -> float | None:
    if row.get("logprob") is None and row.get("prob") is not None:
        logprob = read_prob(row["prob"], f"{path}.prob")
        return None if logprob == -math.inf else logprob
    return read_chosen_logprob(row.get("logprob"), f"{path}.logprob", forced=forced)


def _read_list(value: object, path: str) -> Distribution | None:
    """Read a list whose entries already have the keys of `read_distribution`."""
    return None if value is None else read_distribution(expect_list(value, path), path)


def _read_flag(value: object, path: str) -> bool:
    if value is not None and not isinstance(value, bool):
        raise InvalidInputError(f"{path}: must be true or false")
    return value is True


def _summarize(body: Body) -> Summary:
    """Read the facts that may be next to the tokens."""
    return Summary(
        text=find_text(body.get("text")),
        model=find_text(body.get("model")),
        request_id=find_id(body.get("id")) or find_id(body.get("request_id")),
    )


PLAIN = Shape(source="tokens", key="tokens", signs=frozenset({"tokens"}), read=_read, summarize=_summarize)
