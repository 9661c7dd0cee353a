"""Evaluate the alerts of periods, and deliver events, a bounded number at the same time.

Any process can do this work. If a process stops, another process can claim its events when their lease has ended.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from typing import TYPE_CHECKING

from core.access.access import Access
from core.alerts import store
from core.alerts.deliver import TIMEOUT_MS, deliver
from core.alerts.evaluate import evaluate_alerts
from core.alerts.events import LEASE_S
from core.alerts.store import ClaimedEvent
from core.database.pool import checkout_transaction
from core.errors import ThunderError
from core.settings import Settings

if TYPE_CHECKING:
    from core.alerts.send import Sender

log = logging.getLogger(__name__)

AT_ONCE, PER_OWNER, PER_ALERT = 32, 8, 2
"""Maximum number of deliveries at the same time in one process: in all, for one owner, and for one alert."""
SOON_S = 120
"""A retry within this time is done by this process; a later one by the schedule."""
EARLY_S = 0.05
"""Addition to the delay of a retry. While NTP corrects them, the clocks of the process and the database run apart by up
to 0.05 %: 48 ms in the longest delay within SOON_S. An event that is not due yet would wait for the next schedule."""
RETRY_S = 5
"""Delay after an error of the database. A claimed event waits for the end of its lease instead."""
KEPT_DAYS = 30
"""How long finished events are kept."""
INTERVAL_S, SLEEPING_INTERVAL_S = 15.0, 3600.0
"""Interval of the scheduled work. The second one is for a database that is suspended while it is idle."""


class AlertWorker:
    """Evaluates alerts and delivers events in background tasks of the running event loop."""

    def __init__(self, access: Access, settings: Settings) -> None:
        self._access = access
        self._settings = settings
        self._sender: Sender | None = None
        self._running: dict[asyncio.Task[None], ClaimedEvent] = {}
        self._evaluation: asyncio.Task[None] | None = None
        self._pump: asyncio.Task[None] | None = None
        self._is_wanted = False

    def nudge(self) -> None:
        """Start to evaluate the alerts and deliver the events that are due, in the background."""
        if self._evaluation is None or self._evaluation.done():
            self._evaluation = asyncio.create_task(self._evaluate())
        self._start_pump()

    async def run_once(self) -> None:
        """Do the scheduled work, and wait until no event is due."""
        await self._delete_old()
        self.nudge()
        while tasks := self._list_tasks():
            await asyncio.wait(tasks)

    async def run_repeatedly(self, interval_s: float) -> None:
        """Do the scheduled work until cancelled."""
        while True:
            await self._run(self._delete_old(), retry_s=RETRY_S)
            self.nudge()
            await asyncio.sleep(interval_s)

    async def deliver(self, event: ClaimedEvent) -> None:
        """Attempt to deliver a claimed event, and retry it later if necessary."""
        base_url = (self._settings.thunder_url or self._settings.thunder_own_url).rstrip("/")
        delay_s = await deliver(self._access, self._get_sender(), event, base_url=base_url)
        if delay_s is not None and delay_s <= SOON_S:
            asyncio.get_running_loop().call_later(delay_s + EARLY_S, self._start_pump)

    async def close(self) -> None:
        """Stop. Other processes deliver interrupted events again after their lease."""
        tasks = self._list_tasks()
        self._running.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._sender is not None:
            self._sender.close()

    def _list_tasks(self) -> set[asyncio.Task[None]]:
        started = {*self._running, self._evaluation, self._pump}
        return {task for task in started if task is not None and not task.done()}

    async def _evaluate(self) -> None:
        await self._run(evaluate_alerts(self._access), retry_s=RETRY_S)
        self._start_pump()

    async def _delete_old(self) -> None:
        async with checkout_transaction(self._access.pool, timeout_ms=TIMEOUT_MS) as conn:
            await store.DELETE_OLD_EVENTS.execute(conn, days=KEPT_DAYS)

    def _start_pump(self) -> None:
        self._is_wanted = True
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run(self._pump_events(), retry_s=RETRY_S))

    async def _pump_events(self) -> None:
        """Start deliveries until no event is due or AT_ONCE of them run. The end of a delivery starts the next."""
        while self._is_wanted and len(self._running) < AT_ONCE:
            self._is_wanted = False
            for event in await self._claim(AT_ONCE - len(self._running)):
                task = asyncio.create_task(self._run(self.deliver(event), retry_s=LEASE_S))
                self._running[task] = event
                task.add_done_callback(self._end)
                self._is_wanted = True

    def _end(self, task: asyncio.Task[None]) -> None:
        if self._running.pop(task, None) is not None:
            self._start_pump()

    async def _claim(self, limit: int) -> list[ClaimedEvent]:
        owners = Counter(event.owner or b"" for event in self._running.values())
        async with checkout_transaction(self._access.pool, timeout_ms=TIMEOUT_MS) as conn:
            ids = await store.CLAIM_EVENTS.fetch_all(
                conn,
                busy_alerts=[event.alert_id for event in self._running.values()],
                busy_owners=[owner for owner, count in owners.items() if count >= PER_OWNER],
                per_alert=PER_ALERT,
                per_owner=PER_OWNER,
                limit=limit,
                lease_s=LEASE_S,
            )
            return await store.GET_CLAIMED.fetch_all(conn, ids=ids) if ids else []

    async def _run(self, work: Coroutine[object, object, None], *, retry_s: float) -> None:
        """Run background work. If it fails, look for due events again later."""
        try:
            await work
        except ThunderError as error:
            log.warning("alerts are delayed: %s", error)
        except Exception:
            log.exception("alerts are delayed because of a bug")
        else:
            return
        asyncio.get_running_loop().call_later(retry_s, self._start_pump)

    def _get_sender(self) -> "Sender":
        """Return the HTTP client, imported on first use because most processes never send a webhook."""
        if self._sender is None:
            from core.alerts.send import Sender  # noqa: PLC0415 - see above

            self._sender = Sender(self._settings.webhook_networks)
        return self._sender
