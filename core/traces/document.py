"""What an engine posts. Unknown keys are allowed everywhere: they stay in the stored document.

The contract is shared/contract/quote-clients.md's "Ingest document"; docs/API.md repeats it for clients.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.traces.timestamp import Timestamp

MAX_REQUEST_ID_LENGTH = 512
"""Characters."""
MAX_ROWS = 200_000
"""Entries of each list of a document."""
MAX_TOKENS = 200_000
"""Tokens of a list of ids, and tokens that a trace adds in all."""
MAX_MOD_NAME_LENGTH = 500
"""Characters; an index has room for no more than 2,700 bytes."""
MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1

Int32 = Annotated[int, Field(ge=0, le=MAX_INT32)]
Int64 = Annotated[int, Field(ge=0, le=MAX_INT64)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Details = dict[str, Any]
# Failing fast: the first wrong entry is enough, and a million sentences would take longer to make than to send.
TokenIds = Annotated[list[Int32], Field(max_length=MAX_TOKENS, fail_fast=True)]

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


RESERVED_IDS = frozenset({".", "..", "stream", "api-keys", "summary", "drift", "calibration"})
"""Names that stand where an id would in some path."""


def _check_request_id(value: str) -> str:
    if "\0" in value:
        raise ValueError("an id cannot hold U+0000")
    if "/" in value or not value.isprintable() or value in RESERVED_IDS:
        raise ValueError("an id must name something in a path: no slash, no control character, no reserved word")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("an id cannot hold a lone surrogate") from None
    return value


def _check_mod_name(value: str) -> str:
    # Not by Field: a bounded text may hold no lone surrogate for pydantic, and a mod may be called anything.
    if len(value) > MAX_MOD_NAME_LENGTH:
        raise ValueError(f"a mod's name may have {MAX_MOD_NAME_LENGTH} characters")
    return value


ModName = Annotated[str, AfterValidator(_check_mod_name)]
RequestId = Annotated[
    str,
    Field(min_length=1, max_length=MAX_REQUEST_ID_LENGTH),
    AfterValidator(_check_request_id),
]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Request(_Part):
    """The inference itself."""

    request_id: RequestId
    created_at: Timestamp | None = None
    completed_at: Timestamp | None = None
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


class Event(_Part):
    """One thing that happened during generation. Only `sequence_order` orders a trace; `step` is not a key."""

    event_type: EventType
    step: Int32
    sequence_order: Int64
    created_at: Timestamp | None = None
    details: Details | None = None
    prompt_length: Int64 | None = None
    tokens_so_far_len: Int64 | None = None
    max_steps: Int64 | None = None
    input_text: str | None = None
    top_tokens: list[Any] | None = None  # read by core.confidence, which knows what a distribution is
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


class ModCall(_Part):
    """One call of a mod's handler."""

    event_sequence_order: Int64
    mod_name: ModName
    event_type: EventType
    step: Int32
    created_at: Timestamp | None = None
    execution_time_ms: Finite | None = None
    exception_occurred: bool = False
    exception_message: str | None = None
    exception_traceback: str | None = None


class ModLog(_Part):
    """One line that a mod logged."""

    mod_call_sequence: Int64
    mod_name: ModName
    log_message: str
    log_level: LogLevel = "INFO"
    created_at: Timestamp | None = None


class Action(_Part):
    """One thing that a mod did. Its own fields may stand at the top or inside `details`; the top wins."""

    mod_call_sequence: Int64
    action_type: ActionType
    action_order: Int64
    created_at: Timestamp | None = None
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


_OWN_FIELDS = [name for name, field in Action.model_fields.items() if field.annotation is Any]


Rows = Field(default_factory=list, max_length=MAX_ROWS, fail_fast=True)


class TraceDocument(_Part):
    """One finished inference."""

    request: Request
    events: list[Event] = Rows
    mod_calls: list[ModCall] = Rows
    mod_logs: list[ModLog] = Rows
    actions: list[Action] = Rows


def strip_user_key(mod_name: str) -> str:
    """`mod@<key>` is the mod `mod`: engines hang the user's key on the name."""
    return mod_name.split("@", 1)[0] or mod_name
