"""The answers of the activations page."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from core.activations.store import Summary


class Output(BaseModel):
    """The generated text, and the tokens of the whole sequence, the prompt first."""

    text: str
    token_ids: list[int]


class Row(BaseModel):
    """A feature of a token. `rank` counts the token's features from 1, the strongest."""

    step: int
    token_position: int
    feature_id: int
    activation_value: float
    rank: int
    token_id: int


class Preview(BaseModel):
    """The first rows of a run. It has no events and actions, because the HF server runs no mods."""

    events: list[Any]
    actions: list[Any]
    activation_rows: list[Row]


class Ran(BaseModel):
    """A run that succeeded."""

    request_id: str
    status: str
    run_summary: Summary
    output: Output
    preview: Preview
    created_at: datetime


class Runs(BaseModel):
    """A page of runs, newest first."""

    items: list[Summary]
    next_cursor: str | None


class Rows(BaseModel):
    """Rows of a run, by position, then rank."""

    request_id: str
    row_count: int
    rows: list[Row]


class TopFeature(BaseModel):
    """A feature: its highest activation, and the number of its positions."""

    feature_id: int
    max_activation: float
    hits: int


class TopFeatures(BaseModel):
    """The strongest features of a run."""

    request_id: str
    items: list[TopFeature]


class Delta(BaseModel):
    """A position of a feature. `delta` is the change since its previous position; None for the first."""

    step: int
    token_position: int
    activation_value: float
    delta: float | None
    token_id: int


class Deltas(BaseModel):
    """The activations of one feature, by position."""

    request_id: str
    feature_id: int
    rows: list[Delta]


class FeatureByConfidence(TopFeature):
    """A feature that is active where the model was unsure.

    Attributes:
        correlation: the correlation of its activation with the entropy of the next token, from -1 to 1.
        entropy: the mean entropy of the next token, weighted by the activation, in nats.
    """

    correlation: float
    entropy: float


class FeaturesByConfidence(BaseModel):
    """The features of a run by confidence, those of the least confident positions first.

    Attributes:
        trace_request_id: the id of the log of the run; None if it is not stored.
        positions: the positions that have both features and an entropy.
        mean_entropy: the mean entropy at these positions, in nats; None without positions.
    """

    request_id: str
    trace_request_id: str | None
    positions: int
    mean_entropy: float | None
    items: list[FeatureByConfidence]
