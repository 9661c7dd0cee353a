"""Read stored runs: pages of summaries, and the answers that rows and statistics are derived from.

Admins see all runs, callers without a key see the runs that were made without one, and others see their own.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from core.access.access import Access
from core.access.caller import Scope
from core.access.limits import open_keyless
from core.access.session import Session
from core.activations import store
from core.activations.models import Runs
from core.activations.store import StoredAnswer, Summary
from core.database.pool import retry_read
from core.errors import InvalidInputError, NotFoundError
from core.wire.json_text import to_column_text, to_storable_id
from core.wire.timestamp import parse_timestamp

MAX_RUNS = 200

Status = Literal["ok", "error"]
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class RunQuery:
    """A page of runs: filters (None matches every run), the number of runs, and the previous page's cursor."""

    status: Status | None = None
    model_id: str | None = None
    sae_enabled: bool | None = None
    limit: int = 1
    cursor: str | None = None


@retry_read
async def list_runs(access: Access, key: str | None, query: RunQuery) -> Runs:
    """List a page of the runs that the caller sees. They contain no prompts and outputs.

    Raises:
        UnauthorizedError: there is no key, and PLAYGROUND_KEYLESS is not set.
        InvalidInputError: the cursor is not valid.
    """
    limit = min(max(query.limit, 1), MAX_RUNS)
    async with open_keyless(access, key, Scope.READ) as session:
        rows = await find_runs(session, query, limit=limit + 1)
    page = rows[:limit]
    return Runs(items=page, next_cursor=_write_cursor(page[-1]) if len(rows) > limit else None)


@retry_read
async def read_summary(access: Access, key: str | None, *, request_id: str) -> Summary:
    """Read the summary of a run.

    Raises:
        UnauthorizedError: there is no key, and PLAYGROUND_KEYLESS is not set.
        NotFoundError: the run does not exist, or the caller does not see it.
    """
    async with open_keyless(access, key, Scope.READ) as session:
        found = await find_runs(session, request_id=request_id)
    return _require(next(iter(found), None), request_id)


@retry_read
async def read_stored_answer(access: Access, key: str | None, *, request_id: str) -> StoredAnswer:
    """Read the answer of a run with the scores of its trace. Raises as `read_summary` does."""
    async with open_keyless(access, key, Scope.READ) as session:
        found = await store.GET_ANSWER.fetch_one(
            session.conn, request_id=to_storable_id(request_id), request_pk=None, **_select_visible(session)
        )
    return _require(found, request_id)


async def find_runs(
    session: Session, query: RunQuery = RunQuery(), *, request_id: str | None = None, limit: int = 1
) -> list[Summary]:
    """Find runs that the caller sees, newest first: those that a query selects, or the one with an id.

    Raises:
        InvalidInputError: the cursor is not valid.
    """
    before, before_id = (None, None) if query.cursor is None else _read_cursor(query.cursor)
    return await store.LIST_RUNS.fetch_all(
        session.conn,
        **_select_visible(session),
        request_id=None if request_id is None else to_storable_id(request_id),
        status=query.status,
        model_id=to_column_text(query.model_id),
        sae_enabled=query.sae_enabled,
        before=before,
        before_id=before_id,
        limit=limit,
    )


def _select_visible(session: Session) -> dict[str, object]:
    """Return the parameters of `is_visible` for the caller of a session."""
    owner = session.caller.owner_filter
    return {"sees_all": owner is None, "is_keyless": session.key is None, "owner": owner}


def _require(found: R | None, request_id: str) -> R:
    if found is None:
        raise NotFoundError(f"request_id: there is no run {request_id!r}; check the id")
    return found


def _write_cursor(last: Summary) -> str:
    """Return the cursor after a row. It ends in Z, because a plus sign arrives as a space."""
    return f"{last.created_at:%Y-%m-%dT%H:%M:%S.%fZ}|{last.request_id}"


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    moment, _, request_id = cursor.partition("|")
    try:
        read = parse_timestamp(moment.replace(" ", "+")), to_storable_id(request_id)
    except ValueError:
        read = None
    if read is None or not read[1]:
        raise InvalidInputError("cursor: not a valid next_cursor; use the one from the previous page")
    return read
