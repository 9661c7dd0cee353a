"""Read the messages that earlier GenAI conventions, and instrumentations with large contents, write as span events.

Source: OpenTelemetry's "Semantic conventions for generative AI events": `gen_ai.client.inference.operation.details`. An
earlier version has one event per message (`gen_ai.user.message`, `gen_ai.choice`, …), and one before it has
`gen_ai.content.prompt` and `gen_ai.content.completion`.
"""

from core.responses.attributes import collect, read_attributes, read_json
from core.responses.expect import Body, find_list, find_object, find_text, list_objects

_DETAILS = "gen_ai.client.inference.operation.details"
_ROLES = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
_CONTENTS = {"gen_ai.content.prompt": "gen_ai.prompt", "gen_ai.content.completion": "gen_ai.completion"}
_FLATTENED = {
    "gen_ai.input.messages": ("llm.input_messages", "gen_ai.prompt"),
    "gen_ai.output.messages": ("llm.output_messages", "gen_ai.completion"),
}


def read_event_attributes(span: Body) -> Body:
    """Return the messages in a span's events under the names of the attributes that hold them today.

    Messages that flattened attributes hold are left out, because these take precedence.
    """
    attributes = read_attributes(span.get("attributes"))
    inputs: list[object] = []
    outputs: list[object] = []
    reasons: list[object] = []
    details: Body = {}
    for event in list_objects(span.get("events")):
        name, fields = find_text(event.get("name")) or "", read_attributes(event.get("attributes"))
        if name == _DETAILS:
            details |= fields
        elif name in _ROLES:
            inputs += _keep_content({"role": _ROLES[name], **fields})
        elif name == "gen_ai.choice":
            outputs += _keep_content({**fields, **find_object(read_json(fields.get("message")))})
            reasons += [fields["finish_reason"]] if "finish_reason" in fields else []
        elif name in _CONTENTS:
            (inputs if name == "gen_ai.content.prompt" else outputs).extend(_read_content(fields.get(_CONTENTS[name])))
    found = (
        ("gen_ai.input.messages", inputs),
        ("gen_ai.output.messages", outputs),
        ("gen_ai.response.finish_reasons", reasons),
    )
    events = {name: rows for name, rows in found if rows} | details
    return {
        name: value
        for name, value in events.items()
        if not any(collect(attributes, prefix) for prefix in _FLATTENED.get(name, ()))
    }


def _keep_content(message: Body) -> list[Body]:
    """Return a message in a list, which is empty if the instrumentation doesn't capture contents."""
    return [message] if any(message.get(name) is not None for name in ("content", "parts", "tool_calls")) else []


def _read_content(value: object) -> list[object]:
    """Return the messages of a content: JSON, or the text of one message."""
    parsed = read_json(value)
    if isinstance(parsed, list):
        return find_list(parsed)
    if isinstance(parsed, dict):
        return [find_object(parsed)]
    return [{"role": "user", "content": value}] if isinstance(value, str) and value else []
