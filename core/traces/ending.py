"""How the generation of an answer ended, in the same words for every source."""

from types import MappingProxyType

from core.traces.kept import QUOTE, KeptTrace
from core.wire.json_text import to_column_text

STOP, LENGTH, TOOL_CALLS, ERROR = "stop", "length", "tool_calls", "error"
MAX_ENDING = 100
"""Maximum number of characters of a server's own word."""
_SAME = MappingProxyType(
    {
        "completed": STOP,
        "end_turn": STOP,
        "eos": STOP,
        "eos_token": STOP,
        "stop_sequence": STOP,
        "word": STOP,
        "limit": LENGTH,
        "max_output_tokens": LENGTH,
        "max_tokens": LENGTH,
        "function_call": TOOL_CALLS,
        "tool_use": TOOL_CALLS,
    }
)
_OF_ACTION = MappingProxyType({"EmitError": ERROR, "ToolCalls": TOOL_CALLS})


def find_ending(kept: KeptTrace, generated_tokens: int | None) -> str | None:
    """Return how the generation ended: `stop`, `length`, `tool_calls`, `error`, or the server's own word.

    An EmitError or ToolCalls action of a mod is the ending. None: the end is unknown.
    """
    facts = kept.facts
    endings = [_OF_ACTION[one.action_type] for one in kept.trace.document.actions if one.action_type in _OF_ACTION]
    if endings or facts.error is not None:
        return endings[-1] if endings else ERROR
    if facts.finish_reason is not None:
        word = facts.finish_reason.lower()
        return to_column_text(_SAME.get(word, word)[:MAX_ENDING]) or None
    return _infer_ending(kept, generated_tokens) if facts.source == QUOTE else None


def _infer_ending(kept: KeptTrace, generated_tokens: int | None) -> str | None:
    """Infer the ending of a Quote trace, which has no reason: the limit is reached, or the model stopped."""
    limit = kept.trace.document.request.max_tokens
    if not generated_tokens or limit is None:
        return None
    return LENGTH if generated_tokens >= limit else STOP
