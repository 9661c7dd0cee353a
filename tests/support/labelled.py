"""The labeled answers of docs/labelled, scored without a server."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from core.confidence import SequenceScores
from core.document.parse import parse_document
from core.statistics.scores import Score
from core.statistics.store import LabelRow
from core.traces.kept import keep_quote

STORED_SCORES = [score for score in Score if score is not Score.P_CORRECT]
"""The scores that need no calibrator."""
FILE = Path(__file__).parents[2] / "docs" / "labelled" / "traces.ndjson.gz"


@dataclass(frozen=True)
class Labelled:
    """An answer: its text, its question's kind and group, its scores, and whether it is correct."""

    text: str
    task: str
    group_id: str | None
    scores: SequenceScores
    correct: bool


@cache
def load_labelled() -> list[Labelled]:
    """Return every answer, in the order of the file."""
    with gzip.open(FILE) as lines:
        return [_read(line) for line in lines]


def _read(line: bytes) -> Labelled:
    sample = json.loads(line)
    request = sample["trace"]["request"]
    sequence = keep_quote(parse_document(json.dumps(sample["trace"]).encode())).trace.sequence
    return Labelled(request["final_text"], request["task"], request.get("group_id"), sequence, sample["correct"])


def load_singles() -> list[Labelled]:
    """Return the answers to questions that were asked once."""
    return [one for one in load_labelled() if one.group_id is None]


def load_independent(answers: Sequence[Labelled] | None = None) -> list[Labelled]:
    """Return the singles, and the first answer of each group."""
    answers = load_labelled() if answers is None else answers
    first = {one.group_id: one for one in reversed(answers)}
    return [one for one in answers if one.group_id is None or first[one.group_id] is one]


def list_rows(answers: Sequence[Labelled], scores: Sequence[Score] = tuple(Score)) -> list[LabelRow]:
    """Return labeled answers as the database returns them after `make demo`: the newest first."""
    now = datetime.now(UTC)
    return [
        LabelRow("m", 20, None, now, one.correct, [getattr(one.scores, score, None) for score in scores])
        for one in reversed(answers)
    ]
