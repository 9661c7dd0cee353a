"""Run commands with admin rights: access to the database implies them."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.access.access import Access
from core.access.store import KeyRow
from core.database.pool import open_pool
from core.local.secrets import find_secret
from core.settings import Settings

T = TypeVar("T")


def run_as_admin(settings: Settings, work: Callable[[Access, str], Awaitable[T]]) -> T:
    """Run a function with admin rights, with a key that is valid only for this call."""
    return asyncio.run(_run_as_admin(settings, work))


async def _run_as_admin(settings: Settings, work: Callable[[Access, str], Awaitable[T]]) -> T:
    key = secrets.token_hex(32)
    async with open_pool(settings) as pool:
        access = Access(
            pool,
            admin_key=key,
            secret=settings.secret,
            previous_secret=settings.previous_secret,
            file_secret=find_secret(settings),
            is_command=True,
        )
        return await work(access, key)


def describe_key(row: KeyRow) -> str:
    """Return the line of a key in `keys list`."""
    state = "live" if row.is_active else "dead"
    rights = "admin" if row.is_admin else ",".join(row.scopes)
    whose = f" of {row.allowed_api_key}" if row.allowed_api_key else ""
    used = f"{row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "never"
    return f"{row.id:>5}  {row.key_prefix}…  {state}  {rights}{whose}  used {used}  {row.name}"
