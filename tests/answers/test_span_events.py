"""Messages in the events of a span, under the names of each version of the GenAI conventions."""

import json
import math
from typing import Any

import pytest

from core.access.hasher import Hasher
from core.errors import InvalidInputError
from core.responses.spans import read_span
from core.traces.kept import keep_answer
from core.traces.otlp import prepare_export
from tests.support.chunks import make_chat, write_events
from tests.support.model_server import CONFIDENCE, WORDS
from tests.support.spans import make_attributes, make_inference, make_span

CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
ASKED = [{"role": "user", "content": "Capital?"}]
ANSWERED = [{"role": "assistant", "content": "Paris"}]
PARTS = {
    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Capital?"}]}]),
    "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Paris"}]}]),
}


def make_event(name: str, **values: Any) -> dict[str, Any]:
    return {"name": name, "attributes": make_attributes({key.replace("__", "."): one for key, one in values.items()})}


@pytest.mark.parametrize(
    "events",
    [
        [{"name": "gen_ai.client.inference.operation.details", "attributes": make_attributes(PARTS)}],
        [
            make_event("gen_ai.user.message", content="Capital?"),
            make_event("gen_ai.choice", index=0, message=json.dumps(ANSWERED[0]), finish_reason="stop"),
        ],
        [
            make_event("gen_ai.content.prompt", gen_ai__prompt=json.dumps(ASKED)),
            make_event("gen_ai.content.completion", gen_ai__completion=json.dumps(ANSWERED)),
        ],
        [
            make_event("gen_ai.content.prompt", gen_ai__prompt="Capital?"),
            make_event("gen_ai.content.completion", gen_ai__completion="Paris"),
        ],
    ],
)
def test_messages_in_events_are_read(events: list[dict[str, Any]]) -> None:
    kept = keep_answer(read_span(make_span(CALL, events=events)), 0)
    request = kept.trace.document.request
    assert (request.user_prompt, request.final_text) == ("Capital?", "Paris")


def test_attributes_take_precedence_and_odd_events_are_ignored() -> None:
    odd: list[Any] = [5, {}, {"name": 1}, make_event("gen_ai.choice"), make_event("gen_ai.content.prompt"), None]
    odd.append(make_event("gen_ai.user.message", content="other"))
    kept = keep_answer(read_span(make_span(CALL | PARTS, events=odd)), 0)
    request = kept.trace.document.request
    assert (request.user_prompt, request.final_text) == ("Capital?", "Paris")


@pytest.mark.parametrize(
    ("export", "place"),
    [
        ({"resourceSpans": [5]}, "resourceSpans[0]"),
        ({"resourceSpans": [{"scopeSpans": 5}]}, "resourceSpans[0].scopeSpans"),
        ({"resourceSpans": [{"scopeSpans": [{"spans": "x"}]}]}, "resourceSpans[0].scopeSpans[0].spans"),
        (
            {"resourceSpans": [{"scopeSpans": [{"spans": [make_span(CALL), 5]}]}]},
            "resourceSpans[0].scopeSpans[0].spans[1]",
        ),
    ],
)
def test_a_list_of_another_type_is_rejected_with_its_place(export: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        prepare_export(json.dumps(export).encode(), Hasher(b"any"), False)  # noqa: FBT003 - as in its caller
    assert str(caught.value).startswith(f"{place}: must be ")


@pytest.mark.parametrize("content", [{}, {"content": "another text"}])
def test_events_leave_the_messages_of_flattened_attributes(content: dict[str, str]) -> None:
    message = json.dumps({"role": "assistant", **content})
    events = [
        make_event("gen_ai.user.message", gen_ai__system="openai", **content),
        make_event("gen_ai.choice", index=0, finish_reason="stop", message=message),
    ]
    flattened = {
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "Capital?",
        "gen_ai.completion.0.content": "Paris",
    }
    kept = keep_answer(read_span(make_span(CALL | flattened, events=events)), 0)
    request = kept.trace.document.request
    assert (request.user_prompt, request.final_text) == ("Capital?", "Paris")
    assert kept.facts.finish_reason == "stop"


def test_events_without_content_leave_the_prompt_of_the_input() -> None:
    values = {"input.value": "Capital?", "output.value": "Paris"}
    events = [make_event("gen_ai.user.message"), make_event("gen_ai.choice", index=0, finish_reason="stop")]
    request = keep_answer(read_span(make_span(CALL | values, events=events)), 0).trace.document.request
    assert (request.user_prompt, request.final_text) == ("Capital?", "Paris")


def test_an_output_of_another_shape_has_no_scores() -> None:
    kept = keep_answer(read_span(make_span(make_inference({"answer": "What is a logprob?"}))), 0)
    (warning,) = kept.facts.warnings
    assert warning.startswith("this span has no logprobs; ")


def test_an_output_of_another_shape_that_has_logprobs_is_named() -> None:
    output = {"results": [{"logprobs": {"content": [{"token": "a", "logprob": -0.5}]}}]}
    (warning,) = keep_answer(read_span(make_span(make_inference(output))), 0).facts.warnings
    assert warning.startswith("output.value: not a response that can be scored; ")


@pytest.mark.parametrize("has_logprobs", [False, True])
def test_a_span_of_langchain_is_read(*, has_logprobs: bool) -> None:
    """As openinference-instrumentation-langchain 0.1 writes it for langchain-openai 1.7."""
    entry = {"token": "Paris", "bytes": [80, 97, 114, 105, 115], "logprob": -0.5, "top_logprobs": list[Any]()}
    info = {"finish_reason": "stop", "logprobs": {"content": [entry], "refusal": None} if has_logprobs else None}
    message = {"lc": 1, "type": "constructor", "kwargs": {"content": "Paris", "response_metadata": info}}
    row = {"text": "Paris", "generation_info": info, "type": "ChatGeneration", "message": message}
    usage = {"completion_tokens": 1, "prompt_tokens": 5, "total_tokens": 6}
    output = {"generations": [[row]], "llm_output": {"token_usage": usage, "model_name": "m"}, "type": "LLMResult"}
    asked = {"lc": 1, "type": "constructor", "kwargs": {"content": "Capital?", "type": "human"}}
    values = make_inference(output) | {"input.value": json.dumps({"messages": [[asked]]})}
    values |= {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Capital?"}
    kept = keep_answer(read_span(make_span(values)), 0)
    request = kept.trace.document.request
    assert (request.user_prompt, request.final_text, kept.facts.finish_reason) == ("Capital?", "Paris", "stop")
    assert kept.trace.sequence.sequence_confidence == (pytest.approx(math.exp(-0.5)) if has_logprobs else None)
    assert len(kept.facts.warnings) == (0 if has_logprobs else 1)


def test_a_span_of_langchain_with_several_prompts_is_no_group_of_answers() -> None:
    output = {"generations": [[{"text": "Paris"}], [{"text": "Rome"}]], "llm_output": None, "type": "LLMResult"}
    assert len(read_span(make_span(make_inference(output))).answers) == 1


def test_an_output_may_be_the_text_of_a_stream() -> None:
    values = make_inference(None) | {"output.value": write_events(make_chat())}
    kept = keep_answer(read_span(make_span(values)), 0)
    assert kept.trace.document.request.final_text == "".join(WORDS)
    assert kept.trace.sequence.sequence_confidence == pytest.approx(CONFIDENCE)


def test_stop_words_of_the_conventions_are_read() -> None:
    entries = [{"token": token, "logprob": -0.5} for token in ("Paris", "</s>")]
    values = {"gen_ai.request.stop_sequences": ["</s>"], "gen_ai.response.logprobs": json.dumps(entries)}
    kept = keep_answer(read_span(make_span(CALL | PARTS | values)), 0)
    assert kept.answer.alignment == "partial"
