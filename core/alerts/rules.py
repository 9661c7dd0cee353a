"""The rules of alerts: kinds, their settings and defaults, as clients give them."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from core.errors import InvalidInputError
from core.statistics.scores import Score
from core.traces.filters import clean_query
from core.wire.json_text import to_column_text
from core.wire.models import Frozen

MAX_WINDOW_S = 30 * 86_400
DEFAULT_WINDOW_S = 3600
DEFAULT_SHARE = 0.1
DEFAULT_DRIFT = 0.2
DEFAULT_PVALUE = 0.001
"""Low, because the test is repeated for each window."""


class Kind(StrEnum):
    """The condition under which an alert has an event.

    THRESHOLD: a request has a score beyond the threshold, on the uncertain side.
    RATE: at least `share` of the requests of a window have such a score.
    DRIFT: the distribution of a score has changed, compared with the seven windows before.
    CHANGE: the served model has changed, judged by prompts that recur, compared with the seven windows before.
    EXCEPTION: a request has an exception of a mod, or its call failed.
    SILENCE: a window has no request.
    """

    THRESHOLD = "threshold"
    RATE = "rate"
    DRIFT = "drift"
    CHANGE = "change"
    EXCEPTION = "exception"
    SILENCE = "silence"

    @property
    def has_score(self) -> bool:
        """Whether the kind compares a score."""
        return self in {Kind.THRESHOLD, Kind.RATE, Kind.DRIFT}


_AT_INGEST = {Kind.THRESHOLD, Kind.EXCEPTION}
_THRESHOLDS = {Kind.DRIFT: DEFAULT_DRIFT, Kind.CHANGE: DEFAULT_PVALUE}
"""The default thresholds of the kinds that have one: a Kolmogorov-Smirnov statistic, and a p-value."""


def _refuse_unstorable(text: str) -> str:
    if to_column_text(text) != text:
        raise ValueError("can't contain U+0000; remove it")
    return text


def _clean_words(text: str) -> str:
    cleaned = clean_query(text)
    if not cleaned:
        raise ValueError("has no word; send words of the prompt or the answer, or id: and an id")
    return cleaned


Text = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_refuse_unstorable)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Confidence = Annotated[float, Field(ge=0, le=1)]
Window = Annotated[int, Field(ge=60, le=MAX_WINDOW_S)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class AlertFilters(Frozen):
    """The requests that an alert covers: the filters of the feed that a new request can match."""

    model: Text | None = None
    mod: Text | None = None
    tag: Text | None = None
    source: Text | None = None
    min_confidence: Confidence | None = None
    max_confidence: Confidence | None = None
    has_exception: bool | None = None
    q: Annotated[Text, AfterValidator(_clean_words)] | None = None

    def list_filters(self) -> dict[str, Any]:
        """Return the filters that are set."""
        named = self.model_dump(include=set(AlertFilters.model_fields))
        return {name: value for name, value in named.items() if value is not None}


class AlertSettings(AlertFilters, strict=True, extra="forbid"):
    """The optional settings of an alert."""

    score: Annotated[Score | None, Field(strict=False)] = None
    threshold: Finite | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    window_s: Window | None = None
    include_prompt: bool | None = None
    active: bool | None = None


class NewAlert(AlertSettings):
    """A new alert. Null restores the default. Settings that its kind does not have are refused."""

    name: Name
    kind: Annotated[Kind, Field(strict=False)]
    url: Text


class AlertChange(AlertSettings):
    """Changes to an alert. Omitted fields keep their value; null restores the default or removes a filter."""

    name: Name | None = None
    url: Text | None = None


def list_inapplicable(kind: Kind) -> list[str]:
    """Return the settings that alerts of a kind don't have."""
    has = {
        "score": kind.has_score,
        "share": kind is Kind.RATE,
        "threshold": kind.has_score or kind in _THRESHOLDS,
        "include_prompt": kind in _AT_INGEST,
    }
    return [setting for setting, is_there in has.items() if not is_there]


def complete(alert: NewAlert) -> dict[str, Any]:
    """Check the settings of an alert against its kind, and return them with defaults, as columns.

    Raises:
        InvalidInputError: a setting is missing, or the kind does not have it.
    """
    kind = alert.kind
    for setting in list_inapplicable(kind):
        value = getattr(alert, setting)
        if value is not None and value is not False:
            raise InvalidInputError(f"{setting}: alerts of the kind {kind.value} don't have it; remove it")
    threshold = _THRESHOLDS.get(kind) if alert.threshold is None else alert.threshold
    if kind.has_score and threshold is None:
        raise InvalidInputError(f"threshold: missing; an alert of the kind {kind.value} needs one")
    if kind in _THRESHOLDS and threshold is not None and not 0 < threshold <= 1:
        raise InvalidInputError(
            f"threshold: {threshold} is not valid for the kind {kind.value}; it must be above 0, at most 1"
        )
    score = alert.score or Score.SEQUENCE_CONFIDENCE
    return {
        "name": alert.name,
        "kind": kind.value,
        "score": score.value,
        "fires_above": score.higher_is_less_certain,
        "threshold": threshold,
        "share": (alert.share or DEFAULT_SHARE) if kind is Kind.RATE else None,
        "window_s": alert.window_s or (None if kind in _AT_INGEST else DEFAULT_WINDOW_S),
        "url": alert.url,
        "include_prompt": alert.include_prompt or False,
        "active": alert.active is not False,
    }
