"""Chunks of a stream are not read as complete responses."""

from typing import Any

import pytest

from core.errors import InvalidInputError
from core.responses import check_posted, read_response

ROW = {"token": "a", "logprob": -0.2}


def read_posted(body: Any) -> None:
    check_posted(body)
    read_response(body)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"object": "chat.completion.chunk", "choices": []}, "choices"),
        ({"choices": [{"delta": {"content": "a"}, "logprobs": {"content": [ROW]}}]}, "choices"),
        (
            {
                "object": "text_completion",
                "choices": [{"text": "a", "finish_reason": None, "logprobs": {"content": [ROW]}}],
            },
            "choices[0].finish_reason",
        ),
        ({"model": "m", "message": {"content": "a"}, "done": False, "logprobs": [ROW]}, "done"),
        ({"type": "response.output_text.done", "text": "a", "logprobs": [ROW]}, "type"),
        ({"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [ROW]}}, "delta"),
        ({"object": "response", "status": "in_progress", "output": []}, "status"),
        ({"type": "response.completed", "response": {"output": []}}, "type"),
        ({"type": "content-delta", "logprobs": {"text": "a", "token_ids": [1], "logprobs": [-1.0]}}, "type"),
        (
            {"index": 1, "token": {"id": 1, "text": "a", "logprob": -1.0}, "generated_text": None, "details": None},
            "token",
        ),
        ({"content": "a", "stop": False, "completion_probabilities": [ROW]}, "stop"),
        (
            {"text": "a", "meta_info": {"finish_reason": None, "output_token_logprobs": [[-0.2, 1, "a"]]}},
            "meta_info.finish_reason",
        ),
        (
            {"candidates": [{"logprobsResult": {"chosenCandidates": [ROW]}}], "usageMetadata": {"promptTokenCount": 4}},
            "candidates[0].finishReason",
        ),
    ],
)
def test_a_chunk_is_rejected(body: Any, place: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_posted(body)
    assert str(caught.value).startswith(f"{place}: this is one ")
    assert "of a stream; " in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        {"generations": [{"token_likelihoods": [{"token": "a", "likelihood": -1.0}]}]},
        {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "a"}]},
        {"results": [{"generated_tokens": [{"text": "a", "logprob": -1.0}]}]},
        {"logprobs": {"text": "a", "token_ids": [1], "logprobs": [-1.0]}},
        {"logprobs": [{"text": "a", "token_ids": [1], "logprobs": [-1.0]}]},
        {"output": {"choices": []}},
    ],
)
def test_a_chunk_of_another_vendor_is_rejected(body: Any) -> None:
    with pytest.raises(InvalidInputError):
        read_response(body)
