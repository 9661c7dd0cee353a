"""A cache of rendered logs in this process."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CachedLog:
    """A rendered log.

    Attributes:
        version: the row's id, revision and time of ingest, which identify a document. The database confirms it.
        is_owned: whether this is the owner's view. Other readers see no labels.
        frame: the members that don't change after ingest, as a zstd frame.
    """

    version: str
    is_owned: bool
    frame: bytes


class LogCache:
    """The most recently read logs, up to a number of bytes. Each read checks in the database that a log is current.

    The cache ends with its process, so a log never outlives a change of the scoring code.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._logs: OrderedDict[tuple[str, bool], CachedLog] = OrderedDict()

    def find(self, request_id: str) -> list[CachedLog]:
        """Return the cached logs of a request, in both views."""
        return [log for is_owned in (True, False) if (log := self._logs.get((request_id, is_owned)))]

    def keep(self, request_id: str, log: CachedLog) -> None:
        """Keep a log, and drop the least recently read logs if the cache is full."""
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
