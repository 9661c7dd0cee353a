"""Read the request of a response: its messages by role, and its settings, under the names that any server uses."""

from dataclasses import dataclass

from core.responses.expect import Body, find_either, find_list, find_number, find_object, find_text, list_objects

SYSTEM_ROLES = ("system", "developer")
USER_ROLE = "user"
MAX_MESSAGES = 10_000
"""Maximum messages of one request."""
MAX_DEPTH = 8
"""Maximum nesting of lists and objects around a text."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the prompt. Parts without a text, such as images, are left out.

    Attributes:
        content: the text; None if the message has none.
    """

    role: str | None
    content: str | None


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages of a request, and the settings that the log shows. None if the request doesn't contain it."""

    messages: list[Message]
    model: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None

    def find_role(self, *roles: str) -> str | None:
        """Return the texts of all messages with one of these roles; None without such messages."""
        texts = [one.content for one in self.messages if one.role in roles and one.content is not None]
        return "\n\n".join(texts) if texts else None


def read_prompt(request: Body) -> Prompt:
    """Read the request that was sent to a model. It never fails: a field of the wrong type counts as absent."""
    nested = [find_object(request.get(key)) for key in ("parameters", "options", "sampling_params")]
    config = find_object(find_either(request, "generationConfig"))
    sources = [request, *nested, config]
    limits = (source.get(name) for source in sources for name in _LIMITS)
    return Prompt(
        messages=_read_messages(request)[:MAX_MESSAGES],
        model=find_text(request.get("model")),
        max_tokens=next((one for one in limits if type(one) is int and 0 <= one < 2**63), None),
        temperature=next((t for source in sources if (t := find_number(source.get("temperature"))) is not None), None),
    )


_LIMITS = (
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "max_new_tokens",
    "n_predict",
    "num_predict",
    "maxOutputTokens",
)


def _read_messages(request: Body) -> list[Message]:
    system = _read_text(request.get("instructions")) or _read_text(request.get("system"))
    system = system or _read_text(find_either(request, "systemInstruction"))
    found = [Message("system", system)] if system else []
    for key in ("messages", "input", "contents", "prompt", "inputs", "text"):
        if request.get(key) is not None:
            return found + _read_turns(request[key])
    return found


def _read_turns(value: object) -> list[Message]:
    """Read a list of messages, or a single text of the user."""
    if not isinstance(value, list) or any(isinstance(one, str) for one in value):
        text = _read_text(value)
        return [] if text is None else [Message(USER_ROLE, text)]
    return [Message(find_text(turn.get("role")), _read_content(turn)) for turn in list_objects(value) if turn]


def _read_content(turn: Body) -> str | None:
    keys = ("content", "parts", "text", "output")
    return next((text for key in keys if (text := _read_text(turn.get(key))) is not None), None)


def _read_text(value: object, depth: int = 0) -> str | None:
    """Return a text, or the texts of a list of parts, or the text inside an object."""
    if isinstance(value, str):
        return value
    if depth == MAX_DEPTH:
        return None
    if isinstance(value, dict):
        fields = find_object(value)
        if "parts" in fields:
            return _read_text(fields["parts"], depth + 1)
        return find_text(fields.get("text")) or find_text(fields.get("content"))
    texts = [text for one in find_list(value) if (text := _read_text(one, depth + 1)) is not None]
    return "".join(texts) if texts else None
