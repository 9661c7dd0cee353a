"""Rendered logs that this process keeps, so that a log that is read twice is rendered once."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CachedLog:
    """A rendered log.

    Attributes:
        version: the row, its revision and the time of ingest, which name one document; the database confirms it.
        is_owned: whether it is the owner's view; others see no labels.
        frame: the members that ingest decides, as a zstd frame.
    """

    version: str
    is_owned: bool
    frame: bytes


class LogCache:
    """The logs that were read last, up to a number of bytes. Each read asks the database whether a log is current.

    It belongs to one process and its code, so a log never outlives a change of scoring.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._logs: OrderedDict[tuple[str, bool], CachedLog] = OrderedDict()

    def find(self, request_id: str) -> list[CachedLog]:
        """Return what is kept of a request, in either view."""
        return [log for is_owned in (True, False) if (log := self._logs.get((request_id, is_owned)))]

    def keep(self, request_id: str, log: CachedLog) -> None:
        """Keep a log, and drop those that were not read for the longest time."""
        self._drop((request_id, log.is_owned))
        if len(log.frame) > self._limit:
            return
        self._logs[request_id, log.is_owned] = log
        self._size += len(log.frame)
        while self._size > self._limit:
            self._drop(next(iter(self._logs)))

    def _drop(self, key: tuple[str, bool]) -> None:
        if dropped := self._logs.pop(key, None):
            self._size -= len(dropped.frame)
