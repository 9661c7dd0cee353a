"""Read responses of OpenAI's responses API.

Source: OpenAI's API reference, "The response object". The text parts of messages hold entries in the format of chat
completions.
"""

from core.confidence import Token
from core.responses.expect import (
    MissingLogprobsError,
    expect_list,
    expect_object,
    find_count,
    find_object,
    find_text,
    refuse_too_many,
)
from core.responses.openai import read_entries
from core.responses.reading import Completion, Reading

_ASK = 'ask for them with "include": ["message.output_text.logprobs"] and "top_logprobs": 20'

_SHOWN = ("message", "reasoning")


def read_output(body: dict[str, object]) -> Reading:
    """Read the logprobs of all text parts of all messages, in order.

    Raises:
        InvalidInputError: a field has the wrong type, or there are no logprobs.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    tokens: list[Token] = []
    texts: list[str] = []
    items = [expect_object(value, f"output[{i}]") for i, value in enumerate(expect_list(body["output"], "output"))]
    for i, item in enumerate(items):
        parts = item.get("content")  # null or absent for tool calls
        for j, value in enumerate([] if parts is None else expect_list(parts, f"output[{i}].content")):
            part = expect_object(value, f"output[{i}].content[{j}]")
            tokens += _read_part(part, f"output[{i}].content[{j}].logprobs", len(tokens))
            if item.get("type") != "reasoning":
                texts.append(find_text(part.get("text")) or find_text(part.get("refusal")) or "")
    if not tokens:  # the server sends empty lists if logprobs were not requested
        raise MissingLogprobsError("output", _ASK)
    has_calls = any(item.get("type", "message") not in _SHOWN for item in items)
    count = None if has_calls else _count_shown(find_object(body.get("usage")))
    return Reading(tokens, Completion("".join(texts) or None, count=count, ended=body.get("status") != "incomplete"))


def _read_part(part: dict[str, object], path: str, before: int) -> list[Token]:
    if part.get("logprobs") is None:
        return []
    refuse_too_many(before + len(expect_list(part["logprobs"], path)), path)
    return read_entries(part["logprobs"], path)


def _count_shown(usage: dict[str, object]) -> int | None:
    """Count the tokens of the text: the usage without hidden reasoning."""
    count = find_count(usage.get("output_tokens"))
    hidden = find_count(find_object(usage.get("output_tokens_details")).get("reasoning_tokens")) or 0
    return None if count is None else max(0, count - hidden)
