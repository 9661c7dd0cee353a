"""Figures of the database for the metrics. They are the same in every process and container."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from core.statistics.store import ModelRow

_RECENT = "of the requests received in the last hour"
BY_MODEL = {
    "thunder_recent_requests": ("Requests received in the last hour.", "requests"),
    "thunder_recent_tokens": (f"Tokens {_RECENT}.", "tokens"),
    "thunder_recent_bytes": (f"Uncompressed documents {_RECENT}, in bytes.", "bytes"),
    "thunder_recent_exceptions": ("Requests of the last hour in which a mod or the call failed.", "exceptions"),
    "thunder_confidence_mean": (f"Mean sequence confidence {_RECENT}.", "mean"),
    "thunder_confidence_p5": (f"5th percentile of the sequence confidence {_RECENT}.", "p5"),
    "thunder_confidence_below_0_2_ratio": (f"Share with a sequence confidence below 0.2 {_RECENT}.", "low_share"),
}
"""The help text of each gauge, and its field in ModelRow."""


@dataclass(frozen=True, slots=True)
class Figures(Collector):
    """The state of the database, and statistics of its newest requests.

    Attributes:
        is_readable: whether the database could be read; None if it was not queried.
        newest: when the newest trace was stored; None if that is unknown, or there are no traces.
        models: the requests of each model in the last hour.
    """

    is_readable: bool | None = None
    newest: datetime | None = None
    models: tuple[ModelRow, ...] = ()

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the state of the database, the age of the newest trace and the gauges of each model.

        Unknown values have no sample.
        """
        state = GaugeMetricFamily("thunder_database_up", "Whether the database can be read (1) or not (0).")
        if self.is_readable is not None:
            state.add_metric([], float(self.is_readable))
        yield state
        age = GaugeMetricFamily("thunder_newest_commit_age_seconds", "Age of the newest trace that any process stored.")
        if self.newest is not None:
            age.add_metric([], max(0.0, time.time() - self.newest.timestamp()))
        yield age
        for name, (text, column) in BY_MODEL.items():
            family = GaugeMetricFamily(name, text, labels=["model"])
            for model in self.models:
                value: float | None = getattr(model, column)
                if value is not None:
                    family.add_metric([model.model], value)
            yield family
