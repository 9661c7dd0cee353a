"""Record and list the outcomes of a request."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from core.access.access import Access
from core.access.caller import Scope
from core.database.pool import retry_read
from core.database.reading import together
from core.outcomes import store
from core.outcomes.store import Outcome
from core.traces.own_request import lock_own_request, require_own_request
from core.wire.json_text import to_column_text, to_storable_id
from core.wire.models import Body

DEFAULT_SOURCE = "user"
MAX_SOURCE_LENGTH = 200
MAX_NOTE_LENGTH = 10_000


def _refuse_blank(source: str) -> str:
    if not source.strip():
        raise ValueError("is blank; send the name of the source")
    return source


Source = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SOURCE_LENGTH), AfterValidator(_refuse_blank)]


class NewOutcome(Body):
    """An outcome to record: correct (true), incorrect (false), or null to withdraw the source's outcome."""

    correct: bool | None
    source: Source = DEFAULT_SOURCE
    note: Annotated[str, Field(max_length=MAX_NOTE_LENGTH)] | None = None


async def record_outcome(access: Access, key: str | None, *, request_id: str, new: NewOutcome) -> Outcome:
    """Record an outcome. It replaces the previous outcome of the same source.

    Raises:
        NotFoundError: the request doesn't exist or belongs to another user.
    """
    async with access.session(key, Scope.CURATE) as session:
        await lock_own_request(session, request_id)
        return await store.UPSERT_OUTCOME.fetch_only(
            session.conn,
            request_id=request_id,
            source=await session.resolve_text(to_column_text(new.source)) or DEFAULT_SOURCE,
            correct=new.correct,
            note=await session.resolve_text(to_column_text(new.note)),
        )


@retry_read
async def list_outcomes(access: Access, key: str | None, *, request_id: str) -> list[Outcome]:
    """List the latest outcome of each source, oldest first.

    Raises:
        NotFoundError: the request doesn't exist or belongs to another user.
    """
    async with access.session(key, Scope.READ) as session:
        owner = session.caller.owner_filter
        _, outcomes = await together(
            session.conn,
            require_own_request(session, request_id),
            store.LIST_OUTCOMES.fetch_all(session.conn, request_id=to_storable_id(request_id), owner=owner),
        )
        return outcomes
