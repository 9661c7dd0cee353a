"""A cache of rendered logs in this process."""

from collections import OrderedDict
from dataclasses import dataclass, replace

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

    Uncompressed members take only space that no frame needs. The cache ends with its process, so a log never outlives a
    change of the scoring code.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._frames_size = 0
        self._logs: OrderedDict[Key, CachedLog] = OrderedDict()
        self._unpacked: OrderedDict[Key, None] = OrderedDict()

    def find(self, request_id: str) -> list[CachedLog]:
        """Return the cached logs of a request, in both views."""
        return [log for is_owned in (True, False) if (log := self._logs.get((request_id, is_owned)))]

    def has_room(self, size: int) -> bool:
        """Return whether this many bytes fit beside all frames."""
        return self._frames_size + size <= self._limit

    def keep(self, request_id: str, log: CachedLog) -> None:
        """Keep a log. If the cache is full, drop the least recently read members, then the least recently read logs."""
        key = (request_id, log.is_owned)
        self._drop(key)
        if len(log.frame) > self._limit:
            return
        if not self.has_room(log.size):
            log = replace(log, pieces=())
        self._logs[key] = log
        self._size += log.size
        self._frames_size += len(log.frame)
        if log.pieces:
            self._unpacked[key] = None
        while self._size > self._limit:
            if self._unpacked:
                self._drop_pieces(next(iter(self._unpacked)))
            else:
                self._drop(next(iter(self._logs)))

    def _drop(self, key: Key) -> None:
        if key in self._logs:
            self._drop_pieces(key)
            size = len(self._logs.pop(key).frame)
            self._size -= size
            self._frames_size -= size

    def _drop_pieces(self, key: Key) -> None:
        self._unpacked.pop(key, None)
        packed = replace(self._logs[key], pieces=())
        self._size -= self._logs[key].size - packed.size
        self._logs[key] = packed
