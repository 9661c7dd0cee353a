"""Whether what survived of a trace's steps is the answer that its request names."""

from itertools import takewhile
from typing import Literal

from core.document.schema import TraceDocument
from core.pairing.steps import Pairing, Step

Alignment = Literal["exact", "partial"] | None
"""Null where the request names neither final_token_ids nor a final_text that could be compared."""


def align_trace(document: TraceDocument, pairing: Pairing) -> tuple[Alignment, list[str]]:
    """Compare the surviving tokens with the final ones, of which an engine may have stripped an end token.

    Returns:
        The alignment, and how many of how many tokens agree, in a sentence, where it is partial: then the trace does
        not tell the whole story, and neither do the scores.
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
