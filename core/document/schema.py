"""The schema of a posted trace, described for clients in docs/API.md.

Unknown keys are allowed everywhere and stay in the stored document.
"""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from core.wire.timestamp import parse_timestamp

MAX_REQUEST_ID_LENGTH = 512
"""Characters."""
MAX_ROWS = 200_000
"""Maximum entries of each list of a document."""
MAX_TOKENS = 200_000
"""Maximum tokens of a response, of a list of ids, and of all Added events of a trace. No model generates more."""
MAX_MOD_NAME_LENGTH = 500
"""Characters. An index entry has room for 2,700 bytes."""
MAX_MODEL = 500
"""Characters of a model's name that are stored to filter by. An index entry has limited room."""
MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1

Int32 = Annotated[int, Meta(ge=0, le=MAX_INT32)]
Int64 = Annotated[int, Meta(ge=0, le=MAX_INT64)]
Finite = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
Details = dict[str, Any]
TokenIds = Annotated[list[Int32], Meta(max_length=MAX_TOKENS)]
ModName = Annotated[str, Meta(max_length=MAX_MOD_NAME_LENGTH)]

EventType = Literal["Prefilled", "ForwardPass", "Sampled", "Added"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
ActionType = Literal[
    "Noop",
    "AdjustedPrefill",
    "ForceTokens",
    "ForceOutput",
    "Backtrack",
    "AdjustedLogits",
    "ToolCalls",
    "EmitError",
]


RESERVED_IDS = frozenset(
    {
        *(".", "..", "stream", "api-keys"),
        *("summary", "drift", "calibration", "risk-coverage", "threshold", "groups", "changes"),
    }
)
"""Words that some path has in the position of an id."""


if TYPE_CHECKING:
    Moment = datetime
    RequestId = str
else:

    class _Hooked(type):
        """A type that msgspec passes to the hook. msgspec then checks the hook's result with isinstance()."""

        def __instancecheck__(cls, instance: object) -> bool:
            """Accept every value, because the hook has checked it."""
            return True

    class Moment(metaclass=_Hooked):
        """A timestamp from a client."""

    class RequestId(metaclass=_Hooked):
        """A text that can be part of a path."""


JsonText = Annotated[msgspec.Raw, Meta(extra_json_schema={"anyOf": [{"type": "array"}, {"type": "null"}]})]
NO_LIST = msgspec.Raw(b"null")
_NULL = b"null"[0]


def read_custom(kind: type, value: object) -> object:
    """Decode a Moment or a RequestId: a hook for msgspec.

    Raises:
        ValueError: the value is not valid; msgspec adds the path.
    """
    return parse_timestamp(value) if kind is Moment else _check_request_id(value)


def describe_custom(kind: type) -> dict[str, Any]:
    """Return the JSON schema of a Moment or a RequestId: a hook for msgspec."""
    if kind is Moment:
        return {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]}
    return {"type": "string", "minLength": 1, "maxLength": MAX_REQUEST_ID_LENGTH}


def _check_request_id(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_REQUEST_ID_LENGTH:
        raise ValueError(f"an id must be a text of 1 to {MAX_REQUEST_ID_LENGTH} characters")
    if "\0" in value:
        raise ValueError("an id can't contain U+0000")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("an id can't contain a lone surrogate") from None
    if "/" in value or not value.isprintable() or value in RESERVED_IDS:
        raise ValueError("an id can't contain a slash or a control character, or be a reserved word")
    return value


class _Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part of a document. The garbage collector skips it, because JSON has no cycles."""


class Request(_Part, frozen=True, kw_only=True, gc=False):
    """The inference: its prompts, settings and final text."""

    request_id: RequestId
    group_id: Any = None
    """Any value, because documents stored before the key had a meaning must stay readable. Use `group`."""
    created_at: Moment | None = None
    completed_at: Moment | None = None
    model: str | None = None
    user_api_key: str | None = None
    max_tokens: Int64 | None = None
    temperature: Finite | None = None
    mod_text: str | None = None
    system_prompt: str | None = None
    system_prompt_token_ids: TokenIds | None = None
    user_prompt: str | None = None
    user_prompt_token_ids: TokenIds | None = None
    active_mod_name: ModName | None = None
    final_token_ids: TokenIds | None = None
    final_text: str | None = None
    inference_stats: Details | None = None

    @property
    def group(self) -> str | None:
        """The group_id if it can be an id."""
        try:
            return None if self.group_id is None else _check_request_id(self.group_id)
        except ValueError:
            return None


class Event(_Part, frozen=True, kw_only=True, gc=False):
    """One event of the generation. Only `sequence_order` orders a trace; `step` is not unique."""

    event_type: EventType
    step: Int32
    sequence_order: Int64
    created_at: Moment | None = None
    details: Details | None = None
    prompt_length: Int64 | None = None
    tokens_so_far_len: Int64 | None = None
    max_steps: Int64 | None = None
    input_text: str | None = None
    top_tokens: JsonText = msgspec.field(default_factory=lambda: NO_LIST)
    """The JSON text of the list. core.confidence parses it; the log shows it unchanged."""
    sampled_token: Int32 | None = None
    token_text: str | None = None
    added_tokens: TokenIds | None = None
    added_token_count: Int64 | None = None
    forced: bool | None = None
    forced_by: str | None = None
    adjusted_logits: bool | None = None
    top_k: Int64 | None = None
    top_p: Finite | None = None
    temperature: Finite | None = None

    @property
    def has_list(self) -> bool:
        """Whether top_tokens is present and not null."""
        text = self.top_tokens
        return text is not NO_LIST and (len(text) != len(NO_LIST) or memoryview(text)[0] != _NULL)


class ModCall(_Part, frozen=True, kw_only=True, gc=False):
    """One call of a mod's handler."""

    event_sequence_order: Int64
    mod_name: ModName
    event_type: EventType
    step: Int32
    created_at: Moment | None = None
    execution_time_ms: Finite | None = None
    exception_occurred: bool = False
    exception_message: str | None = None
    exception_traceback: str | None = None


class ModLog(_Part, frozen=True, kw_only=True, gc=False):
    """One line that a mod logged."""

    mod_call_sequence: Int64
    mod_name: ModName
    log_message: str
    log_level: LogLevel = "INFO"
    created_at: Moment | None = None


class Action(_Part, frozen=True, kw_only=True, gc=False):
    """One action of a mod. Its own fields may be at the top level or in `details`; the top level takes precedence."""

    mod_call_sequence: Int64
    action_type: ActionType
    action_order: Int64
    created_at: Moment | None = None
    details: Details | None = None
    new_prompt: Any = None
    new_length: Any = None
    adjusted_max_steps: Any = None
    token_count: Any = None
    tokens: Any = None
    tokens_preview: Any = None
    tokens_as_text: Any = None
    backtrack_steps: Any = None
    logits_shape: Any = None
    temperature: Any = None
    has_tool_calls: Any = None
    tool_calls: Any = None
    error_message: Any = None

    @property
    def payload(self) -> Details:
        """The details and the action's own fields in one object."""
        own = {name: value for name in _OWN_FIELDS if (value := getattr(self, name)) is not None}
        return {**(self.details or {}), **own}

    def get(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """Return one of the action's own fields from `payload`, or None."""
        own = getattr(self, name)
        return self.details.get(name) if own is None and self.details else own


_OWN_FIELDS = [field.name for field in msgspec.structs.fields(Action) if field.type is Any]
Rows = Meta(max_length=MAX_ROWS)


class TraceDocument(_Part, frozen=True, kw_only=True, gc=False):
    """One finished inference."""

    request: Request
    events: Annotated[list[Event], Rows] = msgspec.field(default_factory=list)
    mod_calls: Annotated[list[ModCall], Rows] = msgspec.field(default_factory=list)
    mod_logs: Annotated[list[ModLog], Rows] = msgspec.field(default_factory=list)
    actions: Annotated[list[Action], Rows] = msgspec.field(default_factory=list)


def strip_user_key(mod_name: str) -> str:
    """Return the `mod` of `mod@<key>`. Engines append the user API key to a mod's name."""
    return mod_name.split("@", 1)[0] or mod_name
