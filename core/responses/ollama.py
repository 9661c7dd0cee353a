"""Read responses of Ollama's own /api/generate and /api/chat.

Source: Ollama's docs/openapi.yaml, schemas `GenerateResponse`, `ChatResponse` and `Logprob`. The entries have the
format of OpenAI's chat completions, but are at the top level and only present if requested.
"""

from collections.abc import Sequence
from dataclasses import replace

from core.responses.expect import Body, find_count, find_number, find_object, find_text
from core.responses.merge import merge
from core.responses.openai import read_entries
from core.responses.reading import Reading, complete, require_rows
from core.responses.shape import Shape
from core.responses.summary import Summary

_ASK = 'ask for them with "logprobs": true and "top_logprobs": 20'


def _read(body: Body) -> Reading:
    """Read `logprobs: [{token, logprob, bytes, top_logprobs}]`."""
    message = find_object(body.get("message"))
    has_more = body.get("thinking") or message.get("thinking") or message.get("tool_calls")
    facts = _summarize(body)
    completion = complete(replace(facts, text=None) if has_more else facts)
    return Reading(
        read_entries(require_rows(body.get("logprobs"), "logprobs", _ASK, completion), "logprobs"), completion
    )


def _summarize(body: Body) -> Summary:
    """Read the facts of a response. `created_at` is the time at which the server wrote it."""
    duration = find_number(body.get("total_duration"))
    return Summary(
        model=find_text(body.get("model")),
        text=find_text(body.get("response", find_object(body.get("message")).get("content"))),
        finish_reason=find_text(body.get("done_reason")),
        prompt_tokens=find_count(body.get("prompt_eval_count")),
        generated_tokens=find_count(body.get("eval_count")),
        ended=body.get("created_at"),
        seconds=None if duration is None else duration / 1e9,
    )


def _join(chunks: Sequence[Body]) -> Body:
    """Join chunks of /api/generate (`response`) and /api/chat (`message`)."""
    whole: Body = {}
    for chunk in chunks:
        merge(whole, {name: chunk[name] for name in ("response", "thinking", "message", "logprobs") if name in chunk})
    return {**chunks[0], **chunks[-1], **whole, "done": True}


OLLAMA = Shape(
    source="ollama",
    key="logprobs",
    signs=frozenset({"done"}),
    read=_read,
    summarize=_summarize,
    find_chunk=lambda body: "done" if body.get("done") is False else None,
    is_chunk=lambda body: "done" in body,
    join=_join,
)
