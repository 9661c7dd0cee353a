"""Describe pydantic's validation errors to callers."""

from collections.abc import Sequence

from pydantic import ValidationError

MAX_ERRORS_NAMED = 3


def describe_validation(error: ValidationError, prefix: str = "") -> str:
    """Describe the first errors in one sentence: `events[12].sampled_token: Input should be …`."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    named = [
        f"{_format_path(problem['loc'], prefix)}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in problems[:MAX_ERRORS_NAMED]
    ]
    more = len(problems) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")


def _format_path(location: Sequence[int | str], prefix: str) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return (prefix + path).lstrip(".") or "body"
