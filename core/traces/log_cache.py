"""A cache of rendered logs in this process."""

from collections import OrderedDict
from dataclasses import dataclass, replace

UNPACKED_DIVISOR = 4
"""A quarter of the cache is for logs with their uncompressed members, which are ten times as large as their frames."""
Key = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class CachedLog:
    """A rendered log.

    Attributes:
        version: the row's id, revision and time of ingest, which identify a document. The database confirms it.
        is_owned: whether this is the owner's view. Other readers see no labels.
        frame: the members that don't change after ingest, as a zstd frame.
        pieces: the same members, uncompressed; empty if they are not kept.
    """

    version: str
    is_owned: bool
    frame: bytes
    pieces: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """The bytes that it takes in the cache."""
        return len(self.frame) + sum(map(len, self.pieces))


class LogCache:
    """The most recently read logs, up to a number of bytes. Each read checks in the database that a log is current.

    The cache ends with its process, so a log never outlives a change of the scoring code.
    """

    def __init__(self, limit: int) -> None:
        self._unpacked = _Recent(limit // UNPACKED_DIVISOR)
        self._packed = _Recent(limit - self._unpacked.limit)

    def find(self, request_id: str) -> list[CachedLog]:
        """Return the cached logs of a request, in both views."""
        keys = [(request_id, is_owned) for is_owned in (True, False)]
        return [log for key in keys if (log := self._unpacked.get(key) or self._packed.get(key))]

    def can_keep_unpacked(self, size: int) -> bool:
        """Return whether a log of this many bytes can be kept with its uncompressed members."""
        return size <= self._unpacked.limit

    def keep(self, request_id: str, log: CachedLog) -> None:
        """Keep a log. If the cache is full, drop the logs that were read least recently."""
        key = (request_id, log.is_owned)
        self._packed.keep(key, replace(log, pieces=()))
        self._unpacked.drop(key)
        if log.pieces:
            self._unpacked.keep(key, log)


class _Recent:
    """The most recently kept logs, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._size = 0
        self._logs: OrderedDict[Key, CachedLog] = OrderedDict()

    def get(self, key: Key) -> CachedLog | None:
        return self._logs.get(key)

    def keep(self, key: Key, log: CachedLog) -> None:
        self.drop(key)
        if log.size > self.limit:
            return
        self._logs[key] = log
        self._size += log.size
        while self._size > self.limit:
            self.drop(next(iter(self._logs)))

    def drop(self, key: Key) -> None:
        if dropped := self._logs.pop(key, None):
            self._size -= dropped.size
