"""Attempt to deliver one event, and record the result."""

import asyncio
import random
import time
from typing import TYPE_CHECKING

from core.access.access import Access
from core.access.hasher import WEBHOOKS
from core.alerts import store
from core.alerts.payload import write_headers, write_payload
from core.alerts.prompt import MAX_PROMPT_BYTES, read_user_prompt
from core.alerts.store import ClaimedEvent
from core.database.pool import checkout, checkout_transaction, retry_read

if TYPE_CHECKING:
    from core.alerts.send import Sender

MAX_ATTEMPTS = 8
FIRST_DELAY_S, FACTOR = 5, 4
"""Delay before the second attempt; each further one is this many times as long: 5 s, 20 s, … 5.7 h."""
JITTER = 0.2
TIMEOUT_MS = 10_000
NO_SIGNATURE = "not sent, because it can't be signed: THUNDER_SECRET was changed; rotate the secret of the alert"


async def deliver(access: Access, sender: "Sender", event: ClaimedEvent, *, base_url: str) -> float | None:
    """Attempt to deliver a claimed event. Return the seconds until the next attempt; None if no attempt follows."""
    prompt = await _read_prompt(access, event) if event.include_prompt and event.request_id is not None else None
    body = write_payload(event, base_url=base_url, prompt=prompt)
    hasher = await access.hasher()
    nonces = [nonce for nonce in (event.secret_nonce, event.previous_nonce) if nonce is not None]
    secrets = [secret for nonce in nonces if (secret := hasher.recover(WEBHOOKS, event.alert_id, nonce)) is not None]
    if not secrets:
        return await _record(access, event, NO_SIGNATURE)
    headers = write_headers(event.webhook_id, body, secrets=secrets, seconds=int(time.time()))
    result = await sender.post(event.url, body, headers)
    return await _record(access, event, result.error, is_gone=result.is_gone)


async def _read_prompt(access: Access, event: ClaimedEvent) -> str | None:
    row = await _find_document(access, event.id)
    return None if row is None else await asyncio.to_thread(read_user_prompt, row.document, row.format)


@retry_read
async def _find_document(access: Access, event_id: int) -> store.PromptRow | None:
    async with checkout(access.pool) as conn:
        return await store.GET_PROMPT.fetch_one(conn, id=event_id, most_bytes=MAX_PROMPT_BYTES)


async def _record(access: Access, event: ClaimedEvent, error: str | None, *, is_gone: bool = False) -> float | None:
    is_last = event.attempts >= MAX_ATTEMPTS or event.kind == "test" or is_gone
    status = "delivered" if error is None else "failed" if is_last else "waiting"
    delay_s = choose_delay(event.attempts) if status == "waiting" else 0.0
    async with checkout_transaction(access.pool, timeout_ms=TIMEOUT_MS) as conn:
        if is_gone:  # first, because a change of the alert locks its row before its events as well
            await store.PAUSE_ALERT.execute(conn, id=event.alert_id)
        await store.RECORD_ATTEMPT.execute(
            conn, id=event.id, attempts=event.attempts, status=status, error=error, delay_s=delay_s
        )
        if is_gone:
            await store.FAIL_WAITING.execute(conn, alert_id=event.alert_id)
    return delay_s or None


def choose_delay(attempts: int) -> float:
    """Return the delay after a number of failed attempts, in seconds: exponential, with jitter."""
    return FIRST_DELAY_S * FACTOR ** (attempts - 1) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - not a secret
