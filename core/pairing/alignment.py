"""Compare a trace's surviving tokens with the final answer of its request."""

from itertools import takewhile
from typing import Literal

from core.document.schema import TraceDocument
from core.pairing.steps import Pairing, Step

Alignment = Literal["exact", "partial"] | None
"""None if the request has neither final_token_ids nor a final_text that can be compared."""


def align_trace(document: TraceDocument, pairing: Pairing) -> tuple[Alignment, list[str]]:
    """Compare the surviving tokens with the final tokens. An engine may have stripped an end token from these.

    Returns:
        The alignment and, if it is partial, a warning with the number of tokens that agree. A partial alignment means
        that the trace and its scores are incomplete.
    """
    steps = [step for step in pairing.steps if not step.discarded]
    final = document.request.final_token_ids
    if final is None:
        return _align_text(steps, document.request.final_text)
    surviving = [step.token for step in steps]
    if final in (surviving, surviving[:-1]):
        return "exact", []
    found = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(surviving, final, strict=False)))
    found += sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(surviving[:found:-1], final[:found:-1], strict=False))
    )
    return "partial", [_describe(found, max(len(final), len(surviving)), "final_token_ids")]


def _align_text(steps: list[Step], final: str | None) -> tuple[Alignment, list[str]]:
    texts = [step.text or "" for step in steps if step.text is not None]
    if final is None or len(texts) < len(steps) or any("\N{REPLACEMENT CHARACTER}" in text for text in texts):
        return None, []
    if final in ("".join(texts), "".join(texts[:-1])):
        return "exact", []
    found = length = 0
    while found < len(texts) and final.startswith(texts[found], length):
        length += len(texts[found])
        found += 1
    return "partial", [_describe(found, max(len(texts), found + 1), "final_text")]


def _describe(found: int, total: int, name: str) -> str:
    return f"alignment: {found} of {total} tokens agree with {name}"
