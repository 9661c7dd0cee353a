"""Build events and pair them."""

from typing import Any

from core.document.parse import validate_document
from core.document.schema import TraceDocument
from core.pairing.pair import pair_trace
from core.pairing.steps import Pairing
from tests.support.documents import make_document, number


def read(events: list[dict[str, Any]], **parts: Any) -> TraceDocument:
    return validate_document(make_document(events=number(events), **parts))


def pair(events: list[dict[str, Any]], **parts: Any) -> Pairing:
    return pair_trace(read(events, **parts))


def tokens(pairing: Pairing, *, discarded: bool = False) -> list[int | None]:
    return [step.token for step in pairing.steps if step.discarded is discarded]
