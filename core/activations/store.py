"""The statements of activation runs, and the types of their rows."""

from core.activations.doubt import Points, place_entropies
from core.activations.features import place_steps
from core.database.query import Row, query
from core.wire.timestamp import UtcMoment
from core.wire.zstandard import compress

EMPTY = compress([b"{}"])


class Summary(Row):
    """A run without its texts.

    Attributes:
        output_tokens: tokens of the whole sequence, the prompt included.
        events_count: always 0, because the HF server runs no mods. actions_count is also 0.
        activation_rows_count: pairs of a token and a feature.
        duration_ms: how long the HF server took; 0 if it failed.
        status: ok or error.
        top_features_preview: the ids of the 20 features with the highest activations.
        trace_request_id: the id of the log of the run, which may not be stored; None if the HF server sent no id.
    """

    request_id: str
    created_at: UtcMoment
    model_id: str
    prompt_chars: int
    output_tokens: int
    events_count: int
    actions_count: int
    activation_rows_count: int
    unique_features_count: int
    sae_enabled: bool
    sae_id: str | None
    sae_layer: int | None
    duration_ms: int
    status: str
    error_message: str | None
    top_features_preview: list[int]
    trace_request_id: str | None


class StoredAnswer(Row):
    """The answer of the HF server to a run, with data of its trace about each token.

    Attributes:
        answer: one zstd frame; None if the run failed.
        output_token_ids: the tokens of the whole sequence; None if the run failed.
        trace_request_id: the id of the linked trace. It and the following attributes are None if no trace is linked.
        token: the ids of the tokens of the trace.
        discarded: whether each token was discarded.
        entropy: the entropy of the distribution that each token was drawn from, in nats; NaN if unknown.
    """

    request_id: str
    sae_id: str | None
    sae_layer: int | None
    answer: bytes | None
    output_token_ids: list[int] | None
    trace_request_id: str | None
    token: list[int] | None
    discarded: list[bool] | None
    entropy: list[float | None] | None

    @property
    def frame(self) -> bytes:
        """The stored answer; an empty object if the run failed."""
        return self.answer or EMPTY

    def place_steps(self) -> list[tuple[int, int]]:
        """Return the steps of the trace whose tokens were kept: (index of the step, position in the whole sequence)."""
        return place_steps(self.output_token_ids or [], self.token or [], self.discarded or [])

    def place_entropies(self) -> Points:
        """Return the entropies by position in the whole sequence."""
        return place_entropies(self.place_steps(), self.entropy or [])


HAS_RUN = query("activations/has_run", bool)
INSERT_RUN = query("activations/insert_run", int)
INSERT_PREVIEW = query("activations/insert_preview")
LOCK_LINK = query("activations/lock_link")
LINK_TRACE = query("activations/link_trace")
LIST_RUNS = query("activations/list_runs", Summary)
GET_ANSWER = query("activations/get_answer", StoredAnswer, is_binary=True)
