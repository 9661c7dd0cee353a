"""Read responses of Hugging Face's Text Generation Inference: /generate, and /, which wraps the body in a list.

Source: TGI's docs/openapi.json, schemas `GenerateResponse`, `Details` and `Token` ({id, text, logprob, special}).
`top_tokens` has one list per token, and is null without `top_n_tokens`. DJL Serving has the same form with `log_prob`
(see its page "LMI handlers inference API schema").
"""

from collections.abc import Sequence

from core.confidence import Token
from core.responses.entry import Alternatives, Names, read_token
from core.responses.expect import (
    Body,
    MissingLogprobsError,
    expect_object,
    expect_parallel,
    find_count,
    find_list,
    find_object,
    find_text,
    list_objects,
)
from core.responses.reading import Reading, complete, require_rows
from core.responses.shape import Shape
from core.responses.summary import Summary

_NAMES = Names(("id",), "text")
_DJL_NAMES = Names(("id",), "text", logprob="log_prob")

_ASK = 'ask for them with "parameters": {"details": true, "top_n_tokens": 5}'


def _read(body: Body) -> Reading:
    """Read `details.tokens` and `details.top_tokens`. The prefill and `best_of_sequences` are not read."""
    if body.get("details") is None:
        raise MissingLogprobsError("details", _ASK)
    details = expect_object(body["details"], "details")
    shown = list_objects(details.get("tokens"))
    special = frozenset(i for i, row in enumerate(shown) if row.get("special") is True)
    completion = complete(_summarize(body), special=special)
    rows = require_rows(details.get("tokens"), "details.tokens", _ASK, completion)
    lists = expect_parallel(details.get("top_tokens"), len(rows), "details.top_tokens")
    others = find_list(details.get("best_of_sequences"))
    ignored = f"details.best_of_sequences: {len(others)} other answers are ignored; the server chose this one"
    tokens = [_read_row(row, lists[i], i) for i, row in enumerate(rows)]
    return Reading(tokens, completion, (ignored,) if others else ())


def _read_row(value: object, entries: object, index: int) -> Token:
    path, top_path = f"details.tokens[{index}]", f"details.top_tokens[{index}]"
    row = expect_object(value, path)
    names = _DJL_NAMES if "log_prob" in row else _NAMES
    return read_token(row, path, names, Alternatives(entries, top_path, names))


def _summarize(body: Body) -> Summary:
    details = find_object(body.get("details"))
    return Summary(
        text=find_text(body.get("generated_text")),
        finish_reason=find_text(details.get("finish_reason")),
        prompt_tokens=len(find_list(details.get("prefill"))) or None,
        generated_tokens=find_count(details.get("generated_tokens")),
    )


def _join(chunks: Sequence[Body]) -> Body:
    """Join chunks of /generate_stream, which have one token each."""
    steps = [chunk for chunk in chunks if chunk.get("token") is not None]
    tokens = [find_object(chunk["token"]) for chunk in steps]
    tops = [chunk.get("top_tokens") or list[object]() for chunk in steps]
    last = chunks[-1]
    texts = [find_text(token.get("text")) or "" for token in tokens if not token.get("special")]
    details = {**find_object(last.get("details")), "tokens": tokens, "top_tokens": tops if any(tops) else None}
    return {"generated_text": find_text(last.get("generated_text")) or "".join(texts), "details": details}


def _is_chunk(body: Body) -> bool:
    return isinstance(body.get("token"), dict)


TGI = Shape(
    source="tgi",
    key="details",
    signs=frozenset({"details", "generated_text"}),
    read=_read,
    summarize=_summarize,
    find_chunk=lambda body: "token" if _is_chunk(body) and "generated_text" in body else None,
    is_chunk=_is_chunk,
    join=_join,
)
