"""Read an LLM span of OpenInference, whose `output.value` contains the response, or of the GenAI conventions.

Sources: OpenInference's semantic conventions ("LLM spans"); OpenTelemetry's "Semantic conventions for generative client
AI spans" and its earlier names. No convention has logprobs: `gen_ai.response.logprobs`, JSON in the form of OpenAI's
`choices[].logprobs`, is Thunder's own attribute.
"""

import re
from datetime import UTC, datetime, timedelta

from core.errors import InvalidInputError
from core.responses.answers import Answers, read_answers
from core.responses.attributes import collect, read_attributes, read_json
from core.responses.expect import Body, find_count, find_list, find_object, find_text, list_objects
from core.responses.item import Item, find_tags
from core.responses.prompt import read_prompt
from core.responses.recognize import UnknownResponseError
from core.responses.span_events import read_event_attributes
from core.responses.summary import Summary

SOURCE = "otlp"
LOGPROBS = "gen_ai.response.logprobs"
_OPERATIONS = frozenset({"chat", "text_completion", "generate_content", "completion"}) | {
    # LiteLLM names its own calls; `a` stands for async.
    *("acompletion", "atext_completion", "responses", "aresponses", "agenerate_content")
}
_ERROR_CODES = (2, "STATUS_CODE_ERROR")
_ID = re.compile(r"[0-9a-f]+", re.IGNORECASE | re.ASCII)
_STREAM = re.compile(r"^data:", re.MULTILINE)
_LOGPROBS = re.compile(r'(?<!\\)"(?=\w*?logprob)\w++"\s*+:\s*+(?!null)\S', re.IGNORECASE)
"""A key that holds log-probabilities, and not a text about them."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_RESPONSE = (
    "this span has no logprobs; record the whole response as output.value (OpenInference), "
    f"or its logprobs as {LOGPROBS}"
)
_CUT = "output.value: its JSON is cut off; raise OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT to have its logprobs scored"


def is_llm_span(span: Body) -> bool:
    """Return whether a span is a call of a language model, and not of a tool, an agent or an embedding."""
    attributes = read_attributes(span.get("attributes"))
    kind = find_text(attributes.get("openinference.span.kind"))
    if kind is not None:
        return kind.upper() == "LLM"
    operation = find_text(attributes.get("gen_ai.operation.name")) or find_text(attributes.get("llm.request.type"))
    if operation is not None:
        return operation in _OPERATIONS
    return any(name in attributes for name in ("gen_ai.request.model", "gen_ai.response.model", LOGPROBS))


def name_span(span: Body) -> str:
    """Return the id of a span's request: `<trace id>-<span id>`.

    Raises:
        InvalidInputError: an id is not hexadecimal, or has the wrong length.
    """
    return f"{_read_id(span, 'traceId', 32)}-{_read_id(span, 'spanId', 16)}"


def _read_id(span: Body, name: str, digits: int) -> str:
    found = span.get(name)
    if not isinstance(found, str) or len(found) != digits or not _ID.fullmatch(found) or not found.strip("0"):
        raise InvalidInputError(f"{name}: must be {digits} hexadecimal digits, not all 0")
    return found.lower()


def read_span(span: Body) -> Item:
    """Read a span in OTLP's JSON mapping, with its `resource`.

    Raises:
        InvalidInputError: an id or a field of the response is not valid; the message names it.
    """
    attributes = read_event_attributes(span) | read_attributes(span.get("attributes"))
    resource = read_attributes(find_object(span.get("resource")).get("attributes"))
    request, error = _read_request(attributes), _find_error(span)
    answers, error, warnings = _read_response(attributes) if error is None else Answers([], error, ())
    if error is None and not any(answers) and not warnings:
        output = attributes.get("output.value")
        is_cut = _holds_logprobs(output) and str(output).startswith(("{", "[")) and read_json(output) is None
        warnings = (_CUT if is_cut else _NO_RESPONSE,)
    key = attributes.get("user_api_key") or attributes.get("metadata.user_api_key") or resource.get("user_api_key")
    metadata = find_object(read_json(attributes.get("metadata")))
    return Item(
        answers=answers,
        source=SOURCE,
        request=request,
        request_id=name_span(span),
        id_path="spanId",
        created_at=_read_time(span.get("startTimeUnixNano")),
        completed_at=_read_time(span.get("endTimeUnixNano")),
        user_api_key=find_text(key) or find_text(metadata.get("user_api_key")),
        tags=find_tags(attributes.get("tag.tags")),
        metadata=metadata,
        summary=_summarize(attributes, answers),
        error=error,
        warnings=warnings,
    )


def _find_error(span: Body) -> str | None:
    status = find_object(span.get("status"))
    if status.get("code") not in _ERROR_CODES:
        return None
    for event in list_objects(span.get("events")):
        message = read_attributes(event.get("attributes")).get("exception.message")
        if isinstance(message, str) and message:
            return message
    return find_text(status.get("message")) or "the call failed"


def _read_response(attributes: Body) -> Answers:
    given = attributes.get(LOGPROBS)
    if given not in (None, "", "null"):
        logprobs = read_json(given)
        if logprobs is None or isinstance(logprobs, str | int | float):
            raise InvalidInputError(f"{LOGPROBS}: not JSON; send the JSON of choices[0].logprobs")
        rows = find_list(logprobs) if isinstance(logprobs, list) else [logprobs]
        if rows and "logprob" in find_object(rows[0]):  # the entries without `content`
            rows = [logprobs]
        texts = _list_outputs(attributes)
        answers: list[Body] = []
        for i, row in enumerate(rows):
            message = {"content": texts[i] if i < len(texts) else None}
            answers.append({"choices": [{"index": i, "message": message, "logprobs": row}]})
        return Answers(answers, None, ())
    output = attributes.get("output.value")
    is_stream = isinstance(output, str) and _STREAM.search(output) is not None
    response = output if is_stream else _read_generations(read_json(output))
    if response and (is_stream or not isinstance(response, str | int | float)):
        try:
            return read_answers(response, "output.value")
        except UnknownResponseError as error:
            return Answers([{}], None, (str(error),) if _holds_logprobs(output) else ())
        except InvalidInputError:
            if _holds_logprobs(output):
                raise
    return Answers([{}], None, ())


def _read_generations(output: object) -> object:
    """Return the generations of LangChain (its class `LLMResult`) as OpenAI's choices, if they are for one prompt.

    Any other output is returned unchanged.
    """
    fields = find_object(output)
    prompts = find_list(fields.get("generations"))
    rows = list_objects(prompts[0]) if len(prompts) == 1 else []
    if not rows:
        return output
    about = find_object(fields.get("llm_output"))
    choices = [
        {**find_object(row.get("generation_info")), "index": i, "message": {"content": row.get("text")}}
        for i, row in enumerate(rows)
    ]
    return {"choices": choices, "model": about.get("model_name"), "usage": about.get("token_usage")}


def _holds_logprobs(output: object) -> bool:
    return isinstance(output, str) and _LOGPROBS.search(output) is not None


def _read_request(attributes: Body) -> Body:
    given = find_object(read_json(attributes.get("input.value")))
    settings = find_object(read_json(attributes.get("llm.invocation_parameters")))
    named = {
        name: attributes[f"gen_ai.request.{name}"]
        for name in ("model", "temperature", "max_tokens", "top_p", "stop_sequences")
        if f"gen_ai.request.{name}" in attributes
    }
    request = {**settings, **named, **given}
    if not read_prompt(request).messages:  # LangChain writes the input in its own form
        messages = _list_inputs(attributes)
        text = find_text(attributes.get("input.value")) if not given else None
        request |= {"messages": messages} if messages else {"prompt": text} if text else {}
    system = read_json(attributes.get("gen_ai.system_instructions"))
    return request | ({"instructions": system} if system else {})


def _list_inputs(attributes: Body) -> list[object]:
    given = read_json(attributes.get("gen_ai.input.messages"))
    if isinstance(given, list):
        return find_list(given)
    return [*(collect(attributes, "llm.input_messages") or collect(attributes, "gen_ai.prompt"))]


def _list_outputs(attributes: Body) -> list[str]:
    messages = list_objects(read_json(attributes.get("gen_ai.output.messages")))
    messages = messages or collect(attributes, "llm.output_messages") or collect(attributes, "gen_ai.completion")
    texts: list[str] = []
    for message in messages:
        rows = list_objects(message["parts"]) if isinstance(message.get("parts"), list) else [message]
        texts.append("".join(find_text(row.get("content")) or find_text(row.get("text")) or "" for row in rows))
    return texts


def _summarize(attributes: Body, answers: list[Body]) -> Summary:
    def count(*names: str) -> int | None:
        return next((found for name in names if (found := find_count(attributes.get(name))) is not None), None)

    def text(*names: str) -> str | None:
        return next((found for name in names if (found := find_text(attributes.get(name)))), None)

    reasons, outputs = find_list(attributes.get("gen_ai.response.finish_reasons")), _list_outputs(attributes)
    is_alone = len(answers) < 2
    is_text = not any(answers) and read_json(attributes.get("output.value")) is None
    output = text("output.value") if is_text else None
    return Summary(
        model=text("gen_ai.response.model", "llm.model_name", "gen_ai.request.model"),
        text=((outputs[0] if outputs else None) or output) if is_alone else None,
        finish_reason=find_text(next(iter(reasons), None)) if is_alone else None,
        prompt_tokens=count("gen_ai.usage.input_tokens", "llm.token_count.prompt", "gen_ai.usage.prompt_tokens"),
        generated_tokens=count(
            "gen_ai.usage.output_tokens", "llm.token_count.completion", "gen_ai.usage.completion_tokens"
        )
        if is_alone
        else None,
        total_tokens=count("llm.token_count.total", "gen_ai.usage.total_tokens") if is_alone else None,
    )


def _read_time(value: object) -> datetime | None:
    """Read nanoseconds since the epoch, which JSON writes as a text; None if there is no time."""
    try:
        nanoseconds = int(value) if isinstance(value, int | str) and len(str(value)) < 21 else 0
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000) if nanoseconds > 0 else None
    except (ValueError, OverflowError):
        return None
