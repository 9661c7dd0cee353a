"""The statements of the statistics, and the types of their rows."""

from datetime import datetime
from typing import Literal, NamedTuple

from core.answers.votes import Ballot
from core.database.query import Row, query
from core.wire.timestamp import UtcMoment

GroupBy = Literal["model", "mod", "user", "hour", "day"]

MAX_GROUPS = 10_000
MAX_VALUES = 100_000
"""Maximum number of requests per period of a comparison. The newest are used."""
MAX_LABELS = 20_000
"""Maximum number of labeled requests in a statistic. The newest are used."""
MAX_HANDLERS = 10_000
MAX_BALLOTS = 1000
"""Maximum number of requests of a group that vote. The first by id are used."""
MAX_ANSWER_CHARS = 20_000
"""Maximum characters of an answer that votes. Of a longer one, the end is used."""
MAX_PROMPTS = 200
"""Maximum number of prompts in a test for changes. Those with the most requests are used."""
MAX_REPEATS = 20
"""Maximum number of requests per prompt and period in that test. The newest are used."""
FRACTIONS = [0.05, 0.25, 0.5, 0.75, 0.95]
MAX_RANKED = 10_000
"""Maximum number of requests of a model that a request is ranked among. The newest are used."""
MAX_CANDIDATES = 1000
"""Maximum number of requests of a prompt, of any owner, that are searched for the caller's. The newest are used."""
MAX_SAME_PROMPT = 20
MAX_CONTINUATIONS = 100
"""Maximum number of requests whose continuation is compared. The newest are used."""
MAX_FOLLOWING = 24
"""Maximum tokens of a continuation."""
MAX_DISCARDED = 400
"""Maximum tokens that another request may have discarded before the compared token, plus those that follow it."""
PEER_TEXT_CHARS = 200


class GroupRow(Row):
    """Aggregates of one group of requests."""

    key: str | None
    n: int
    confidence_mean: float | None
    confidence_percentiles: list[float | None] | None
    group_mean: float | None
    group_percentiles: list[float | None] | None
    mean_nll: float | None
    steps: int
    with_distribution: int
    sampled: int
    sampled_in_top_k: int
    forced: int
    discarded: int
    masked: int
    with_interventions: int
    with_backtracks: int


class HandlerRow(Row):
    """Aggregates of one handler of a mod."""

    name: str
    requests: int
    block_key: str
    calls: int
    exceptions: int
    execution_ms: list[float | None] | None
    actions: dict[str, int]
    mean_intervention_surprisal: float | None
    mean_confidence_change: float | None
    forced_share: float | None
    discarded_tokens: int


class DriftRow(NamedTuple):
    """The length of a request's top-k lists, and one score."""

    k: int
    value: float | None


class LabelRow(NamedTuple):
    """A labeled request: how it was generated and when it began, its latest outcome, and the requested scores."""

    model: str | None
    k: int | None
    logprobs_mode: str | None
    created_at: datetime
    correct: bool
    scores: list[float | None]


class ModelRow(Row):
    """The requests of a model: their numbers, and their sequence confidence, which is None if none has one.

    Attributes:
        bytes: length of the posted documents before compression.
        exceptions: requests in which a mod's handler or the call failed.
        p5: the 5th percentile of the confidence.
        low_share: the share below a limit.
    """

    model: str
    requests: int
    tokens: int
    bytes: int
    exceptions: int
    mean: float | None
    p5: float | None
    low_share: float | None


class PeerRow(Row):
    """A request with the same prompt. The text is the start of its answer."""

    request_id: str
    created_ts: UtcMoment
    model_id: str | None
    active_mod: str | None
    sequence_confidence: float | None
    text: str | None


class StandingRow(Row):
    """The rank of a request among the newest of its model, and its neighbors in the feed.

    Attributes:
        n: compared requests with a sequence confidence.
        lower: number of them with a lower one.
        equal: number of them with the same one.
    """

    model: str | None
    sequence_confidence: float | None
    n: int
    lower: int
    equal: int
    newer: str | None
    older: str | None


class ContinuationRow(Row):
    """How another request continued the same text.

    Attributes:
        token: the id of its next token.
        index: the index of that token in the other request.
        following: the text after that token. A token without text is U+FFFD.
    """

    request_id: str
    sequence_confidence: float | None
    token: int | None
    token_text: str | None
    index: int
    following: str


class FirstListRow(NamedTuple):
    """The top-k list of a request's first token.

    Attributes:
        prompt_digest: equal for requests with equal prompts.
        tokens: ids; for a token without an id, a negative digest of its text.
        logprobs: nats, of each token.
    """

    id: int
    is_baseline: bool
    model: str | None
    prompt_digest: int
    tokens: list[int]
    logprobs: list[float]


SUMMARIZE = query("statistics/summarize", GroupRow)
LIST_DRIFT_VALUES = query("statistics/list_drift_values", DriftRow)
LIST_LABELS = query("statistics/list_labels", LabelRow, is_binary=True)
LIST_BALLOTS = query("statistics/list_ballots", Ballot)
LIST_FIRST_LISTS = query("statistics/list_first_lists", FirstListRow, is_binary=True)
LIST_MODS = query("statistics/list_mods", HandlerRow)
MEASURE_MODELS = query("statistics/measure_models", ModelRow)
COMPARE_WITH_PEERS = query("statistics/compare_with_peers", StandingRow)
LIST_SAME_PROMPT = query("statistics/list_same_prompt", PeerRow)
LIST_CONTINUATIONS = query("statistics/list_continuations", ContinuationRow)
