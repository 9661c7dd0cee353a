"""Describe pydantic's validation errors to callers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

MAX_ERRORS_NAMED = 3
OWN_SENTENCES = {
    "missing": "missing; send it",
    "string_unicode": r"has half of a surrogate pair (an escape such as \ud800 on its own); send whole characters",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "extra_forbidden": "unknown field; remove it",
}
"""Errors whose own message mentions Python, or does not state what to do."""
_SUBJECT = re.compile(r"(?:Input|String|List|Value|Dictionary|Tuple) should ")
_DETAIL = re.compile(r", unable to (?:parse|interpret) .*| after validation, not .*")


def describe_validation(error: ValidationError, prefix: str = "") -> str:
    """Describe the first errors in one sentence: `window: must be …`."""
    return describe_problems(error.errors(include_url=False, include_context=False, include_input=False), prefix)


def describe_problems(problems: Sequence[Mapping[str, Any]], prefix: str = "") -> str:
    """Describe the first of a list of pydantic's errors, as `describe_validation` does."""
    named = [
        f"{_format_path(problem['loc'], prefix)}: {describe_message(problem)}"
        for problem in problems[:MAX_ERRORS_NAMED]
    ]
    more = len(problems) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")


def describe_message(problem: Mapping[str, Any]) -> str:
    """Return the sentence of an error, without its path. Errors of Thunder itself have no type."""
    own = OWN_SENTENCES.get(problem.get("type", ""))
    return own or _SUBJECT.sub("must ", _DETAIL.sub("", problem["msg"].removeprefix("Value error, ")), count=1)


def _format_path(location: Sequence[int | str], prefix: str) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return (prefix + path).lstrip(".") or "body"
