"""The secret of a process: choose it, compare it with the database, and open the hasher under it."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from core.access import store
from core.access.hasher import Hasher
from core.access.rotation import begin_rotation, end_rotation
from core.access.secret import NOT_USED_YET, ChosenSecret, choose_secret
from core.access.store import Guards
from core.database.pool import Pool, checkout, checkout_transaction, retry_read

SECRET_BYTES = 32
WRITE_TIMEOUT_MS = 10_000
"""Statement timeout of small writes."""


@dataclass(slots=True)
class ProcessSecret:
    """The secret that a process uses.

    Attributes:
        find_pool: returns the connection pool, or raises NotConfiguredError.
        setting: THUNDER_SECRET. None if the database stores a generated secret instead.
        previous: THUNDER_SECRET_PREVIOUS.
        in_file: the secret of the data directory, for chores without THUNDER_SECRET.
        is_command: whether a manage.py command runs here. It neither records a secret nor begins a rotation.
    """

    find_pool: Callable[[], Pool]
    setting: str | None
    previous: str | None
    in_file: str | None
    is_command: bool
    _hasher: Hasher | None = None
    _opening: asyncio.Task[Hasher] | None = None

    async def hasher(self) -> Hasher:
        """Return the hasher under THUNDER_SECRET or, if that is not set, under the secret stored in the database.

        The first call of a process compares the secret with the database's. In a command, a hasher with another secret
        raises WrongSecretError when it is used.
        """
        if self._hasher is None:
            # Shared by all callers, so that they wait for an unreachable database at the same time, not in turn.
            if self._opening is None:
                self._opening = asyncio.create_task(self._open_hasher())
                self._opening.add_done_callback(self._finish_opening)
            self._hasher = await asyncio.shield(self._opening)
        return self._hasher

    def _finish_opening(self, opening: asyncio.Task[Hasher]) -> None:
        self._opening = None
        if not opening.cancelled():
            opening.exception()  # read here in case all callers were cancelled

    async def _open_hasher(self) -> Hasher:
        chosen, guards = await self._read_and_choose()
        previous = Hasher(chosen.previous.encode()) if chosen.previous else None
        if self.is_command:
            if previous is not None and chosen.is_new:  # a server begins the rotation; until then, nothing has moved
                return previous
            problem = chosen.problem or ("" if chosen.secret else NOT_USED_YET)
            return Hasher((chosen.secret or "").encode(), problem, previous)
        hasher = Hasher((chosen.secret or await self._read_generated()).encode(), previous=previous)
        if guards.fingerprint is None:
            await self._keep_fingerprint(chosen.fingerprint or hasher.fingerprint)
        if previous is not None and chosen.is_new:
            await begin_rotation(self.find_pool(), hasher, previous)
        elif previous is None and guards.previous_fingerprint is not None and not (chosen.problem or guards.is_waiting):
            await end_rotation(self.find_pool())
        return hasher

    async def require(self) -> None:
        """Check the secret before a command stores something under it. The first one is recorded.

        Raises:
            WrongSecretError: the command does not have the secret of the database.
        """
        await self._keep_fingerprint((await self.hasher()).fingerprint)

    async def find_fingerprints(self) -> tuple[str | None, str | None]:
        """Return the fingerprints of the secrets of the rows: the present one, and the one before a rotation."""
        chosen, guards = await self._read_and_choose()
        return chosen.fingerprint, guards.previous_fingerprint

    @retry_read
    async def _read_and_choose(self) -> tuple[ChosenSecret, Guards]:
        """Return the secret, and the records of the database about secrets."""
        async with checkout(self.find_pool()) as conn:
            guards = await store.FIND_GUARDS.fetch_only(conn)
        return self.choose(guards), guards

    def choose(self, guards: Guards) -> ChosenSecret:
        """Return the secret for a database with these records."""
        return choose_secret(guards, setting=self.setting, previous=self.previous, in_file=self.in_file)

    @retry_read
    async def _keep_fingerprint(self, fingerprint: str) -> None:
        # Without HOLD_STAMP: two transactions that share its lock could not both update the row.
        async with checkout(self.find_pool()) as conn:
            await store.KEEP_FINGERPRINT.execute(conn, fingerprint=fingerprint)

    async def _read_generated(self) -> str:
        """Read the generated secret. It never changes once stored, so a process reads it once."""
        while True:
            async with checkout_transaction(self.find_pool(), timeout_ms=WRITE_TIMEOUT_MS) as conn:
                kept = await store.GENERATE_SECRET.fetch_one(conn, secret=secrets.token_hex(SECRET_BYTES))
            if kept is not None:
                return kept
