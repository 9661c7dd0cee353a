"""Positions in the stream, which clients keep as text (docs/decisions/0008, 0009)."""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

from core.errors import InvalidInputError

MAX_POSITION_CHARACTERS = 16 * 1024
MAX_XID = 2**63 - 1
EPOCH = 2**32
"""No transaction id is a multiple of this number, and Postgres refuses a multiple as a snapshot's bound."""

_SNAPSHOT = re.compile(r"([0-9]{1,19}):([0-9]{1,19}):((?:[0-9]{1,19}(?:,[0-9]{1,19})*)?)")
_ROW = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A Postgres snapshot: the set of finished transactions. The text has the format of the type pg_snapshot."""

    text: str
    xmax: int = field(compare=False)
    running: frozenset[int] = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a snapshot as strictly as Postgres does, so that Postgres never refuses one later.

        Raises:
            InvalidInputError: the text is not a snapshot.
        """
        found = _SNAPSHOT.fullmatch(text)
        if found is None:
            raise _no_position_error()
        xmin, xmax = int(found[1]), int(found[2])
        running = [int(xid) for xid in found[3].split(",") if xid]
        rising = all(one < next_one for one, next_one in pairwise([xmin - 1, *running, xmax]))
        if not (xmin <= xmax <= MAX_XID and xmin % EPOCH and xmax % EPOCH and rising):
            raise _no_position_error()
        return cls(text, xmax, frozenset(running))

    def cut(self, newest: int | None, *, at_least: int) -> "Snapshot":
        """Return this snapshot up to the newest transaction that stored a request, or up to a position after it.

        Later transactions, which stored nothing or rolled back, are excluded, because Postgres may reuse their numbers
        after a crash. A snapshot never ends at a multiple of EPOCH, which is followed by two numbers that are not
        assigned either, or before 4, because `settle_positions` gives restored requests the number 3.
        """
        end = (3 if newest is None else newest) + 1
        end = max(end if end % EPOCH else end + 3, at_least)
        running = sorted(xid for xid in self.running if xid < end)
        first = running[0] if running else end
        return Snapshot(f"{first}:{end}:{','.join(map(str, running))}", end, frozenset(running))

    def sees(self, xid: int) -> bool:
        """Return whether the rows of a transaction are part of the snapshot."""
        return xid < self.xmax and xid not in self.running


@dataclass(frozen=True, slots=True)
class Position:
    """A snapshot, or a position between the snapshots `before` and `until`, after the row with `xid` and `id`."""

    before: Snapshot
    until: Snapshot | None = None
    xid: int = 0
    id: int = 0

    @property
    def latest(self) -> Snapshot:
        """The later snapshot of the position."""
        return self.until or self.before

    @property
    def xmax(self) -> int:
        """The end of the snapshots. A position that a client made up may have them in the wrong order."""
        return max(self.before.xmax, self.latest.xmax)

    def write(self) -> str:
        """Return the position as text."""
        if self.until is None:
            return self.before.text
        return f"{self.before.text}~{self.until.text}~{self.xid}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text that `write` returned.

        Raises:
            InvalidInputError: the text is not a position.
        """
        if len(text) > MAX_POSITION_CHARACTERS:
            raise _no_position_error()
        before, *rest = text.split("~")
        if not rest:
            return cls(Snapshot.parse(before))
        row = _ROW.fullmatch(rest[-1])
        if len(rest) != 2 or row is None or max(int(row[1]), int(row[2])) > MAX_XID:
            raise _no_position_error()
        return cls(Snapshot.parse(before), Snapshot.parse(rest[0]), int(row[1]), int(row[2]))


def _no_position_error() -> InvalidInputError:
    return InvalidInputError("Last-Event-ID: not a valid id of this stream; leave it out to start at the present")
