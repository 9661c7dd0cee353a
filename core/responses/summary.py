"""Read the facts of a response other than its tokens: id, model, text, finish reason, usage and times."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from core.responses.expect import (
    Body,
    find_count,
    find_either,
    find_first,
    find_id,
    find_list,
    find_object,
    find_text,
    list_objects,
)
from core.responses.openai import join_parts


@dataclass(frozen=True, slots=True)
class Summary:
    """Facts of a response. None if the response doesn't contain the fact.

    Attributes:
        request_id: the server's id of the response.
        text: the answer.
        finish_reason: why the generation ended, in the server's words.
        began: time as sent.
        ended: time as sent.
        seconds: duration.
    """

    request_id: str | None = None
    model: str | None = None
    text: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    generated_tokens: int | None = None
    total_tokens: int | None = None
    began: object = None
    ended: object = None
    seconds: float | None = None

    def fill(self, other: "Summary") -> "Summary":
        """Return this summary, with the facts that it lacks taken from another."""
        missing = [field.name for field in fields(self) if getattr(self, field.name) is None]
        return replace(self, **{name: getattr(other, name) for name in missing})


UNKNOWN = "unknown"
"""The source of a failed call without a response: nothing names the server."""


def find_source(body: Body) -> str:
    """Return the name of a response's shape. Only a part of OpenAI's responses has none of the shapes' keys."""
    if not body:
        return UNKNOWN
    return next((name for keys, name, _ in _SHAPES if not keys.isdisjoint(body)), "openai")


def has_shape(body: Body) -> bool:
    """Whether the keys of a response show its shape."""
    return any(not keys.isdisjoint(body) for keys, _, _ in _SHAPES)


def summarize_response(body: Body) -> Summary:
    """Read the facts of a response of any shape. It never fails: a fact of the wrong type counts as absent."""
    read = next((read for keys, _, read in _SHAPES if not keys.isdisjoint(body)), _read_bare_choice)
    return read(body)


def _read_choices(body: Body) -> Summary:
    choice, usage = find_first(body.get("choices")), find_object(body.get("usage"))
    return replace(
        _read_bare_choice(choice),
        request_id=find_id(body.get("id")),
        model=find_text(body.get("model")),
        prompt_tokens=find_count(usage.get("prompt_tokens")),
        generated_tokens=find_count(usage.get("completion_tokens")),
        total_tokens=find_count(usage.get("total_tokens")),
        began=body.get("created"),
    )


def _read_bare_choice(choice: Body) -> Summary:
    message = find_object(choice.get("message"))
    text = find_text(choice.get("text")) if "text" in choice else join_parts(message.get("content"))
    refusal = find_text(message.get("refusal"))
    return Summary(text=text or refusal or text, finish_reason=find_text(choice.get("finish_reason")))


def _read_output(body: Body) -> Summary:
    usage = find_object(body.get("usage"))
    items = [item for item in list_objects(body.get("output")) if item.get("type") != "reasoning"]
    parts = [part for item in items for part in list_objects(item.get("content"))]
    texts = [find_text(part.get("text")) or find_text(part.get("refusal")) for part in parts]
    reason = find_text(find_object(body.get("incomplete_details")).get("reason"))
    return Summary(
        request_id=find_id(body.get("id")),
        model=find_text(body.get("model")),
        text="".join(text for text in texts if text) if any(text is not None for text in texts) else None,
        finish_reason=reason or find_text(body.get("status")),
        prompt_tokens=find_count(usage.get("input_tokens")),
        generated_tokens=find_count(usage.get("output_tokens")),
        total_tokens=find_count(usage.get("total_tokens")),
        began=body.get("created_at"),
        ended=body.get("completed_at"),
    )


def _read_meta_info(body: Body) -> Summary:
    info = find_object(body.get("meta_info"))
    return Summary(
        request_id=find_id(info.get("id")),
        text=find_text(body.get("text")),
        finish_reason=find_text(find_object(info.get("finish_reason")).get("type")),
        prompt_tokens=find_count(info.get("prompt_tokens")),
        generated_tokens=find_count(info.get("completion_tokens")),
        seconds=_number(info.get("e2e_latency")),
    )


def _read_details(body: Body) -> Summary:
    details = find_object(body.get("details"))
    prefill = find_list(details.get("prefill"))
    return Summary(
        text=find_text(body.get("generated_text")),
        finish_reason=find_text(details.get("finish_reason")),
        prompt_tokens=len(prefill) or None,
        generated_tokens=find_count(details.get("generated_tokens")),
    )


def _read_llama_cpp(body: Body) -> Summary:
    timings = find_object(body.get("timings"))
    spent = [_number(timings.get(name)) for name in ("prompt_ms", "predicted_ms")]
    return Summary(
        model=find_text(body.get("model")),
        text=find_text(body.get("content")),
        finish_reason=find_text(body.get("stop_type")),
        prompt_tokens=find_count(body.get("tokens_evaluated")),
        generated_tokens=find_count(body.get("tokens_predicted")),
        seconds=None if None in spent else sum(one or 0.0 for one in spent) / 1000,
    )


def _read_ollama(body: Body) -> Summary:
    duration = _number(body.get("total_duration"))
    return Summary(
        model=find_text(body.get("model")),
        text=find_text(body.get("response", find_object(body.get("message")).get("content"))),
        finish_reason=find_text(body.get("done_reason")),
        prompt_tokens=find_count(body.get("prompt_eval_count")),
        generated_tokens=find_count(body.get("eval_count")),
        ended=body.get("created_at"),  # the time at which the server wrote this response
        seconds=None if duration is None else duration / 1e9,
    )


def _read_candidates(body: Body) -> Summary:
    candidate, usage = find_first(body.get("candidates")), find_object(find_either(body, "usageMetadata"))
    parts = list_objects(find_object(candidate.get("content")).get("parts"))
    texts = [text for part in parts if not part.get("thought") and (text := find_text(part.get("text"))) is not None]
    return Summary(
        request_id=find_text(find_either(body, "responseId")),
        model=find_text(find_either(body, "modelVersion")),
        text="".join(texts) if texts else None,
        finish_reason=find_text(find_either(candidate, "finishReason")),
        prompt_tokens=find_count(find_either(usage, "promptTokenCount")),
        generated_tokens=find_count(find_either(usage, "candidatesTokenCount")),
        total_tokens=find_count(find_either(usage, "totalTokenCount")),
        began=find_either(body, "createTime"),
    )


def _read_plain(body: Body) -> Summary:
    return Summary(
        text=find_text(body.get("text")),
        model=find_text(body.get("model")),
        request_id=find_id(body.get("id")) or find_id(body.get("request_id")),
    )


_SHAPES: tuple[tuple[frozenset[str], str, Callable[[Body], Summary]], ...] = (
    (frozenset({"choices"}), "openai", _read_choices),
    (
        frozenset({"candidates", "logprobsResult", "logprobs_result", "chosenCandidates", "promptFeedback"}),
        "gemini",
        _read_candidates,
    ),
    (frozenset({"completion_probabilities", "tokens_predicted"}), "llama.cpp", _read_llama_cpp),
    (frozenset({"details", "generated_text", "generated_tokens"}), "tgi", _read_details),
    (frozenset({"meta_info", "output_token_logprobs"}), "sglang", _read_meta_info),
    (frozenset({"output"}), "openai", _read_output),
    (frozenset({"tokens"}), "tokens", _read_plain),
    (frozenset({"done"}), "ollama", _read_ollama),
)
"""Keys, name and reader of each shape, in the order of core.responses.recognize."""


def _number(value: object) -> float | None:
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e18 else None
    )
