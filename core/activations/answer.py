"""Read the answer of the HF server to a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.activations.features import Entry, list_rows, list_top_features, read_entries
from core.errors import InvalidInputError
from core.upstream.errors import BadResponseError
from core.upstream.server import Server
from core.wire.json_text import dump_json, to_column_text
from core.wire.parse_json import parse_json
from core.wire.zstandard import compress, decompress, zstd

SHOWN_ROWS = 500
"""Maximum number of rows in the answer to a run."""
SHOWN_FEATURES = 20
"""Maximum number of features in a summary."""
MAX_ID = 512
"""Maximum length of the id of a trace, in characters."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, ready to be stored.

    Attributes:
        text: the generated text.
        token_ids: the tokens of the whole sequence, the prompt first.
        trace_request_id: the id of the trace that the server posts; None if the answer has no id.
        entries: the timeline.
        frame: the whole answer, compressed.
        size: its length before compression.
    """

    text: str
    token_ids: list[int]
    trace_request_id: str | None
    entries: list[Entry]
    frame: bytes
    size: int

    def count(self) -> dict[str, Any]:
        """Return the counts of the run, as in its row."""
        top = list_top_features(self.entries)
        return {
            "output_tokens": len(self.token_ids),
            "activation_rows_count": sum(len(entry["top_features"]) for entry in self.entries),
            "unique_features_count": len(top),
            "top_features_preview": [one["feature_id"] for one in top[:SHOWN_FEATURES]],
        }

    def show_rows(self) -> list[dict[str, Any]]:
        """Return the first rows."""
        return [row for row, _ in zip(list_rows(self.entries), range(SHOWN_ROWS), strict=False)]


def read_answer(server: Server, content: dict[str, Any], mask: Callable[[str], str], *, has_features: bool) -> Answer:
    """Check an answer and prepare it for storage. CPU-bound.

    Args:
        server: the HF server.
        content: the answer.
        mask: replaces the caller's key in a text.
        has_features: whether features were requested.

    Raises:
        BadResponseError: the answer lacks the text, the tokens or the requested features.
    """
    text, token_ids, trace_id = content.get("output_text"), content.get("output_token_ids"), content.get("request_id")
    if not isinstance(text, str) or not isinstance(token_ids, list) or not all(map(_is_token, token_ids)):
        raise BadResponseError(f"{server.name}: its answer lacks output_text or output_token_ids; check the server")
    if has_features and not isinstance(content.get("feature_timeline"), list):
        raise BadResponseError(f"{server.name}: its answer lacks feature_timeline; check the server")
    is_id = isinstance(trace_id, str) and 0 < len(trace_id) <= MAX_ID and to_column_text(trace_id) == trace_id
    stored = dump_json({**content, "output_text": mask(text)})
    return Answer(
        text=text,
        token_ids=token_ids,
        trace_request_id=trace_id if is_id else None,
        entries=read_entries(content.get("feature_timeline")),
        frame=compress([stored]),
        size=len(stored),
    )


def check_frame(frame: bytes) -> bool:
    """Return whether a frame contains an answer."""
    try:
        return isinstance(parse_json(decompress(frame)), dict)
    except (zstd.ZstdError, InvalidInputError):
        return False


def _is_token(value: object) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63
