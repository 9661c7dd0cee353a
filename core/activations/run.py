"""Run a prompt on the HF server, and store the complete run or its failure."""

import asyncio
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from core.access.access import Access
from core.access.caller import ForbiddenError, Scope
from core.access.limits import CallLimit, count_call, open_keyless
from core.access.session import Session
from core.activations import store
from core.activations.answer import Answer, read_answer
from core.activations.read import find_runs
from core.activations.requests import DEFAULT_MODEL, Run
from core.activations.store import Summary
from core.database.pool import DatabaseUnavailableError, TooSlowError
from core.errors import ThunderError
from core.settings import Settings
from core.upstream.deadline import Deadline
from core.upstream.errors import UpstreamError, UpstreamTimeoutError
from core.upstream.server import Server, find_hf_server
from core.wire.json_text import to_column_text

if TYPE_CHECKING:
    from core.upstream.client import Upstreams

TIMEOUT_S = 125
"""Timeout of the server. Together with other waits, it is below the 150 s after which Modal answers 303, which browsers
can't follow."""
LIMIT = CallLimit("activations")


class ExistsError(ThunderError):
    """The id belongs to another run."""

    status = 409


class StoringError(ThunderError):
    """The run succeeded, but could not be stored."""

    status = 500
    error_code = "INDEX_WRITE_FAILED"


async def run_prompt(
    access: Access, upstreams: "Upstreams", settings: Settings, key: str | None, run: Run
) -> dict[str, Any]:
    """Run a prompt and store the run; return the fields of `Ran`. A run that fails is stored without a preview.

    Raises:
        UnauthorizedError: there is no key, and PLAYGROUND_KEYLESS is not set.
        ForbiddenError: the key can't own runs.
        ExistsError: the id belongs to another run.
        TooManyCallsError: the key or its address has used up its calls.
        UpstreamError: the setting is missing, or the server does not run the prompt.
        StoringError: the run succeeded, but the database could not store it.
    """
    deadline, server = Deadline(), find_hf_server(settings)
    task = _Task(access, key, run, run.write(settings), run.request_id or f"ax-{uuid.uuid4().hex}")
    session = await task.begin(server)
    started = time.monotonic()
    try:
        content = await upstreams.post(server, "/hf/generate", task.asked, timeout_s=deadline.limit(TIMEOUT_S))
        duration_ms = round((time.monotonic() - started) * 1000)
        answer = await asyncio.to_thread(
            read_answer, server, content, partial(_mask, session), has_features=run.sae_enabled
        )
    except UpstreamError as error:
        failure = _explained_error(error)
        await task.store_failure(str(failure))
        raise failure from None
    # As JSON, so that its times are written as in other answers.
    summary = (await task.store(answer, duration_ms)).model_dump(mode="json")
    return {
        "request_id": task.request_id,
        "status": summary["status"],
        "run_summary": summary,
        "output": {"text": answer.text, "token_ids": answer.token_ids},
        "preview": {"events": [], "actions": [], "activation_rows": answer.show_rows()},
        "created_at": summary["created_at"],
    }


@dataclass(frozen=True, slots=True)
class _Task:
    """A run in progress. `asked` is the body for the HF server."""

    access: Access
    key: str | None
    run: Run
    asked: dict[str, object]
    request_id: str

    async def begin(self, server: Server) -> Session:
        """Check the caller, the setting and the id, and count the call. The returned session has ended."""
        async with open_keyless(self.access, self.key, Scope.CURATE) as session:
            _require_owner(session)
            server.require_url()
            if await store.HAS_RUN.fetch_only(session.conn, request_id=self.request_id):
                raise self._taken_error()
            await count_call(session, LIMIT)
        return session

    async def store(self, answer: Answer, duration_ms: int) -> Summary:
        """Store the run with its texts and features, and link it to its trace."""
        facts = await asyncio.to_thread(answer.count)
        try:
            async with open_keyless(self.access, self.key, Scope.CURATE) as session:
                trace_id = answer.trace_request_id
                if trace_id is not None:
                    await store.LOCK_LINK.execute(session.conn, trace_request_id=trace_id)
                row = await self._insert(
                    session,
                    status="ok",
                    duration_ms=duration_ms,
                    error_message=None,
                    trace_request_id=trace_id,
                    **facts,
                )
                await store.LINK_TRACE.execute(session.conn, id=row)
                await store.INSERT_PREVIEW.execute(
                    session.conn,
                    run_id=row,
                    prompt=await session.resolve_text(self.run.prompt),
                    output_text=to_column_text(await session.resolve_text(answer.text)),
                    output_token_ids=answer.token_ids,
                    sae_top_k=self.asked["sae_top_k"],
                    answer=answer.frame,
                    answer_bytes=answer.size,
                )
                (summary,) = await find_runs(session, request_id=self.request_id)
                return summary
        except (DatabaseUnavailableError, TooSlowError) as error:
            raise StoringError(
                "run: the database could not store it; look for its log in the feed, or run the prompt again"
            ) from error

    async def store_failure(self, sentence: str) -> None:
        """Store that the run failed. If that fails too, the caller gets the error of the server alone."""
        nothing = {"output_tokens": 0, "activation_rows_count": 0, "unique_features_count": 0, "duration_ms": 0}
        with suppress(ThunderError):
            async with open_keyless(self.access, self.key, Scope.CURATE) as session:
                await self._insert(
                    session,
                    status="error",
                    error_message=sentence,
                    trace_request_id=None,
                    top_features_preview=[],
                    **nothing,
                )

    async def _insert(self, session: Session, **facts: object) -> int:
        """Insert the row of the run, and return its number.

        Raises:
            ExistsError: another run was stored with the id in the meantime.
        """
        is_on = self.run.sae_enabled
        row = await store.INSERT_RUN.fetch_one(
            session.conn,
            request_id=self.request_id,
            created_at=None,
            user_key_hmac=session.caller.owner,
            user_key_label=session.caller.owner_label,
            is_keyless=session.key is None,
            model_id=await session.resolve_text(self.run.model_id or DEFAULT_MODEL),
            prompt_chars=len(self.run.prompt),
            sae_enabled=is_on,
            sae_id=self.asked["sae_id"] if is_on else None,
            sae_layer=self.asked["sae_layer"] if is_on else None,
            **facts,
        )
        if row is None:
            raise self._taken_error()
        return row

    def _taken_error(self) -> ExistsError:
        return ExistsError(f"request_id: {self.request_id!r} is the id of another run; use another id, or omit it")


def _require_owner(session: Session) -> None:
    if session.key is not None and not session.caller.is_admin and session.caller.owner is None:
        raise ForbiddenError("key: bound to no user, so it can't own runs; use a user's key or an admin key")


def _explained_error(error: UpstreamError) -> UpstreamError:
    if isinstance(error, UpstreamTimeoutError):
        return UpstreamTimeoutError(
            f"HF server: did not finish within {TIMEOUT_S} s; look for the log in the feed later"
        )
    return error


def _mask(session: Session, text: str) -> str:
    """Replace the caller's own key in a text."""
    return session.mask_text(text).text or ""
