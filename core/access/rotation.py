"""Rotate THUNDER_SECRET: begin and end a rotation, and move the rows of an owner to the present secret."""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Collection

from psycopg.errors import DeadlockDetected

from core.access import store
from core.access.hasher import SALT_BYTES, WEBHOOKS, Hasher, Move, name_shares
from core.audit.store import Action, insert_entry
from core.database.pool import DatabaseUnavailableError, Pool, checkout, checkout_transaction, retry_read

TIMEOUT_MS = 600_000
"""Statement timeout of a move, and of the start of a rotation."""
PATIENCE_S = 25
"""How long a request waits for the move of its owner, which continues without it."""
SETTLED_S = 10
"""The pause before a process looks for rows of an owner again. A process with the previous secret may add some."""
MAX_SETTLED = 10_000
MAX_ATTEMPTS = 3
"""Attempts of a move that is in a deadlock with another transaction."""


class Mover:
    """Moves owners to the present secret. Each move is a transaction of its own, before the work of the request."""

    def __init__(self) -> None:
        self._settled: OrderedDict[bytes, float] = OrderedDict()
        self._moving: dict[Move, asyncio.Task[None]] = {}

    def is_settled(self, move: Move) -> bool:
        """Return whether this process has just seen that nothing is left to move."""
        return self._settled.get(move.previous.hmac, -SETTLED_S) + SETTLED_S > time.monotonic()

    async def settle(self, pool: Pool, moves: Collection[Move]) -> None:
        """Move the rows of owners that have any under the previous secret.

        Raises:
            DatabaseUnavailableError: an owner has so many rows that moving them takes longer than a request may.
        """
        waiting = await _find_waiting(pool, [move.previous.hmac for move in moves])
        try:
            async with asyncio.timeout(PATIENCE_S):
                for move in moves:
                    if move.previous.hmac in waiting:
                        await asyncio.shield(self._start(pool, move))
        except TimeoutError:
            raise DatabaseUnavailableError(
                "THUNDER_SECRET: your requests are being moved to a new secret; try again in a minute"
            ) from None
        for move in moves:
            self._note_settled(move.previous.hmac)

    def _start(self, pool: Pool, move: Move) -> asyncio.Task[None]:
        """Return the task of a move, which all requests of the owner in this process share."""
        if move not in self._moving:
            task = asyncio.create_task(_move(pool, move))
            self._moving[move] = task
            task.add_done_callback(lambda done: self._finish(move, done))
        return self._moving[move]

    def _finish(self, move: Move, done: asyncio.Task[None]) -> None:
        del self._moving[move]
        if not done.cancelled():
            done.exception()  # read here in case all requests were cancelled

    def _note_settled(self, owner: bytes) -> None:
        self._settled[owner] = time.monotonic()
        self._settled.move_to_end(owner)
        if len(self._settled) > MAX_SETTLED:
            self._settled.popitem(last=False)


@retry_read
async def _find_waiting(pool: Pool, owners: list[bytes]) -> set[bytes]:
    async with checkout(pool) as conn:
        return set(await store.FIND_WAITING.fetch_all(conn, owners=owners))


async def _move(pool: Pool, move: Move) -> None:
    """Move the rows of an owner in one transaction. Does nothing if another process has moved them."""
    (previous, previous_label), (present, present_label) = move
    owner = {"previous": previous, "previous_label": previous_label, "present": present, "present_label": present_label}
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            async with checkout_transaction(pool, timeout_ms=TIMEOUT_MS) as conn:
                await store.MOVE_OWNER.execute(conn, **owner)
        except DatabaseUnavailableError as error:
            if attempt == MAX_ATTEMPTS or not _is_deadlock(error):
                raise
        else:
            return


def _is_deadlock(error: BaseException | None) -> bool:
    """Return whether a deadlock caused an error. In a pipeline, a later statement may report it."""
    while error is not None and not isinstance(error, DeadlockDetected):
        error = error.__cause__ or error.__context__
    return error is not None


async def begin_rotation(pool: Pool, present: Hasher, previous: Hasher) -> None:
    """Make the present secret the one of the database, unless another process has done so.

    Links and the signing secrets of alerts stay the same: their nonces are replaced by ones that contain them.
    """
    async with checkout_transaction(pool, timeout_ms=TIMEOUT_MS, holds_stamp=False) as conn:
        waiting = await store.BEGIN_ROTATION.fetch_one(conn, previous=previous.fingerprint, present=present.fingerprint)
        if waiting is None:
            return
        for row in await store.LIST_NONCES.fetch_all(conn):
            purpose = WEBHOOKS if row.kind == "alert" else name_shares(row.kind)
            nonces = [_rewrap(present, previous, purpose, row.id, one) for one in (row.nonce, row.previous_nonce)]
            await store.SET_NONCE.execute(conn, kind=row.kind, id=row.id, nonce=nonces[0], previous_nonce=nonces[1])
        details = {"owners": waiting}
        await insert_entry(conn, actor="server", action=Action.ROTATE_SECRET, subject="database", details=details)


def _rewrap(present: Hasher, previous: Hasher, purpose: bytes, number: int, nonce: bytes | None) -> bytes | None:
    """Return a nonce from which the present secret recovers the same value. Another secret's nonce stays the same."""
    derived = None if nonce is None else previous.recover(purpose, number, nonce)
    return nonce if derived is None else present.wrap(purpose, number, derived, secrets.token_bytes(SALT_BYTES))


async def end_rotation(pool: Pool) -> None:
    """Delete the owners under the previous secret if no rows have it anymore."""
    async with checkout_transaction(pool, timeout_ms=TIMEOUT_MS, holds_stamp=False) as conn:
        await store.END_ROTATION.execute(conn, gives_up=False)
