"""Read responses of Gemini's generateContent, on Google AI and Vertex AI.

Source: the reference of `GenerateContentResponse`, types `LogprobsResult` and `Candidate` (token, tokenId,
logProbability). The chosen token may be outside the top candidates, and its number may differ slightly from its entry
there. The Python clients use snake_case names.
"""

from collections.abc import Sequence
from dataclasses import replace

from core.confidence import Token
from core.responses.entry import Alternatives, Names, read_token
from core.responses.expect import (
    Body,
    MissingLogprobsError,
    expect_first,
    expect_object,
    expect_parallel,
    find_count,
    find_either,
    find_first,
    find_index,
    find_list,
    find_object,
    find_text,
    list_objects,
)
from core.responses.merge import merge
from core.responses.reading import Completion, Reading, complete, require_rows, warn_of_others
from core.responses.shape import Shape
from core.responses.summary import Summary

_NAMES = Names(("tokenId",), "token", logprob="logProbability", prob="probability")
_SNAKE_NAMES = Names(("token_id",), "token", logprob="log_probability", prob="probability")

_PATH = "candidates[0].logprobsResult"

_UNKNOWN = "FINISH_REASON_UNSPECIFIED"
"""What the schema has for an answer that has not ended."""

_ASK = 'ask for them with "generationConfig": {"responseLogprobs": true, "logprobs": 5}'


def _read(body: Body) -> Reading:
    """Read the first candidate. With candidateCount > 1, the others must be sent separately."""
    candidate = expect_first(body.get("candidates"), "candidates")
    found = find_either(candidate, "logprobsResult")
    if found is None:
        raise MissingLogprobsError(_PATH, _ASK)
    result, path = expect_object(found, _PATH), f"{_PATH}.chosenCandidates"
    completion = _find_completion(body, candidate)
    rows = require_rows(find_either(result, "chosenCandidates"), path, _ASK, completion)
    lists = expect_parallel(find_either(result, "topCandidates"), len(rows), f"{_PATH}.topCandidates")
    tokens = [_read_row(row, lists[i], i) for i, row in enumerate(rows)]
    return Reading(tokens, completion, warn_of_others(body["candidates"], "candidates"))


def _read_row(value: object, top: object, index: int) -> Token:
    path = f"{_PATH}.chosenCandidates[{index}]"
    top_path = f"{_PATH}.topCandidates[{index}]"
    row = expect_object(value, path)
    names = _SNAKE_NAMES if row.keys() & {"token_id", "log_probability"} else _NAMES
    entries = None if top is None else expect_object(top, top_path).get("candidates")
    return read_token(row, path, names, Alternatives(entries, f"{top_path}.candidates", names))


def _find_completion(body: Body, candidate: Body) -> Completion:
    """Describe the answer. Its text is unknown if a part has no text, its length if there are several candidates."""
    facts = _summarize(body)
    parts = _list_parts(candidate)
    is_text = bool(parts) and all(find_text(part.get("text")) is not None for part in parts)
    count = facts.generated_tokens if len(find_list(body["candidates"])) == 1 else None
    return complete(replace(facts, text=facts.text if is_text else None, generated_tokens=count))


def _list_parts(candidate: Body) -> list[Body]:
    """Return the parts of an answer without its thoughts."""
    parts = list_objects(find_object(candidate.get("content")).get("parts"))
    return [part for part in parts if not part.get("thought")]


def _summarize(body: Body) -> Summary:
    candidate, usage = find_first(body.get("candidates")), find_object(find_either(body, "usageMetadata"))
    texts = [text for part in _list_parts(candidate) if (text := find_text(part.get("text"))) is not None]
    reason = find_text(find_either(candidate, "finishReason"))
    return Summary(
        request_id=find_text(find_either(body, "responseId")),
        model=find_text(find_either(body, "modelVersion")),
        text="".join(texts) if texts else None,
        finish_reason=None if reason == _UNKNOWN else reason,
        prompt_tokens=find_count(find_either(usage, "promptTokenCount")),
        generated_tokens=find_count(find_either(usage, "candidatesTokenCount")),
        total_tokens=find_count(find_either(usage, "totalTokenCount")),
        began=find_either(body, "createTime"),
    )


def _join(chunks: Sequence[Body]) -> Body:
    """Join chunks of streamGenerateContent by candidate."""
    whole: Body = {}
    for chunk in chunks:
        merge(whole, {name: value for name, value in chunk.items() if name != "candidates"})
        for name in ("usageMetadata", "usage_metadata", "responseId", "modelVersion", "createTime"):
            if chunk.get(name) is not None:
                whole[name] = chunk[name]
    candidates: dict[int, Body] = {}
    for part in (part for chunk in chunks for part in list_objects(chunk.get("candidates"))):
        candidate = candidates.setdefault(find_index(part), {"finishReason": _UNKNOWN})  # a stream may be cut off
        merge(candidate, {name: value for name, value in part.items() if name not in ("finishReason", "finish_reason")})
        reason = find_either(part, "finishReason")
        if reason is not None:
            candidate["finishReason"] = reason
    return {**whole, "candidates": [candidates[index] for index in sorted(candidates)]}


def _find_chunk(body: Body) -> str | None:
    candidate = find_first(body.get("candidates"))
    is_unfinished = bool(candidate) and not find_either(candidate, "finishReason")
    return "candidates[0].finishReason" if is_unfinished and find_either(body, "usageMetadata") is not None else None


GEMINI = Shape(
    source="gemini",
    key="candidates",
    signs=frozenset({"candidates", "promptFeedback"}),
    read=_read,
    summarize=_summarize,
    find_chunk=_find_chunk,
    is_chunk=lambda body: "candidates" in body,
    join=_join,
)
