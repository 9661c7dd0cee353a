"""Positions: what has been told already, as text that a client keeps (docs/decisions/0008, 0009)."""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

from core.errors import InvalidInputError

MAX_POSITION_CHARACTERS = 16 * 1024
MAX_XID = 2**63 - 1
EPOCH = 2**32
"""No transaction has a multiple of it as its number, and Postgres takes none for a snapshot's bounds."""

_SNAPSHOT = re.compile(r"([0-9]{1,19}):([0-9]{1,19}):((?:[0-9]{1,19}(?:,[0-9]{1,19})*)?)")
_PLACE = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot of Postgres: which transactions had ended. Its text is that of the type pg_snapshot."""

    text: str
    xmax: int = field(compare=False)
    running: frozenset[int] = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a snapshot, as strictly as Postgres does, so that it never refuses one later.

        Raises:
            InvalidInputError: it is none.
        """
        found = _SNAPSHOT.fullmatch(text)
        if found is None:
            raise _no_position()
        xmin, xmax = int(found[1]), int(found[2])
        running = [int(xid) for xid in found[3].split(",") if xid]
        rising = all(one < next_one for one, next_one in pairwise([xmin - 1, *running, xmax]))
        if not (xmin <= xmax <= MAX_XID and xmin % EPOCH and xmax % EPOCH and rising):
            raise _no_position()
        return cls(text, xmax, frozenset(running))

    def sees(self, xid: int) -> bool:
        """Whether what this transaction stored is part of it."""
        return xid < self.xmax and xid not in self.running


@dataclass(frozen=True, slots=True)
class Position:
    """A snapshot; or a place on the way from one to the next, behind the row of `xid` and `id`."""

    before: Snapshot
    until: Snapshot | None = None
    xid: int = 0
    id: int = 0

    @property
    def latest(self) -> Snapshot:
        """All that it can have told from."""
        return self.until or self.before

    def write(self) -> str:
        """As text for a client to keep."""
        if self.until is None:
            return self.before.text
        return f"{self.before.text}~{self.until.text}~{self.xid}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `write` wrote.

        Raises:
            InvalidInputError: it is none.
        """
        if len(text) > MAX_POSITION_CHARACTERS:
            raise _no_position()
        before, *rest = text.split("~")
        if not rest:
            return cls(Snapshot.parse(before))
        place = _PLACE.fullmatch(rest[-1])
        if len(rest) != 2 or place is None or max(int(place[1]), int(place[2])) > MAX_XID:
            raise _no_position()
        return cls(Snapshot.parse(before), Snapshot.parse(rest[0]), int(place[1]), int(place[2]))


def _no_position() -> InvalidInputError:
    return InvalidInputError("Last-Event-ID: it is none that this stream gave as an id")
