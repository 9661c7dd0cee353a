"""Import a line of `export --what activations`."""

import base64
import binascii
from typing import Annotated

from pydantic import Field

from core.access.access import Access
from core.access.caller import Scope
from core.access.session import Session
from core.activations import store as runs
from core.activations.answer import check_frame
from core.errors import InvalidInputError
from core.transfer.import_items import OnConflict, Outcome, Status
from core.transfer.store import DELETE_RUN, FIND_RUN
from core.wire.models import Frozen
from core.wire.timestamp import Timestamp

CONFLICT_NOTE = "another run has this id; --on-conflict replace replaces it"

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Number = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]


class ExportedPreview(Frozen, extra="forbid"):
    """The texts and features of a run. `answer` is the frame in Base64."""

    prompt: str
    output_text: str
    output_token_ids: list[Number]
    sae_top_k: Count
    answer: str
    answer_bytes: Annotated[int, Field(ge=0, le=2**63 - 1)]


class ExportedRun(Frozen, extra="forbid"):
    """A run of an export. Its owner is the label `user_api_key`."""

    request_id: Annotated[str, Field(min_length=1, max_length=512)]
    created_at: Timestamp
    user_api_key: str | None
    is_keyless: bool
    model_id: str
    prompt_chars: Count
    output_tokens: Count
    activation_rows_count: Count
    unique_features_count: Count
    sae_enabled: bool
    sae_id: str | None
    sae_layer: Count | None
    duration_ms: Annotated[int, Field(ge=0, le=2**63 - 1)]
    status: Annotated[str, Field(pattern="^(ok|error)$")]
    error_message: str | None
    top_features_preview: list[Number]
    trace_request_id: str | None
    preview: ExportedPreview | None


class RunLine(Frozen, extra="forbid"):
    """A line with an activation run."""

    thunder_activation_run: ExportedRun


async def restore_run(access: Access, key: str | None, exported: ExportedRun, *, on_conflict: OnConflict) -> Outcome:
    """Store a run unless it is already stored, and link it to its trace.

    Raises:
        InvalidInputError: its owner is unknown in this database, or its answer is damaged.
    """
    shown = f"run {exported.request_id!r}"
    frame = None if exported.preview is None else _unpack(exported.preview.answer)
    async with access.session(key, Scope.ADMIN) as session:
        stored = await FIND_RUN.fetch_one(session.conn, request_id=exported.request_id)
        if stored is not None and (stored.created_at, stored.answer) == (exported.created_at, frame):
            return Outcome(Status.SKIPPED, shown)
        if stored is not None and on_conflict is OnConflict.SKIP:
            return Outcome(Status.CONFLICT, shown, CONFLICT_NOTE)
        if stored is not None:
            await DELETE_RUN.execute(session.conn, request_id=exported.request_id)
        await _insert(session, exported, frame)
    return Outcome(Status.OK if stored is None else Status.REPLACED, shown)


async def _insert(session: Session, exported: ExportedRun, frame: bytes | None) -> None:
    owner = None if exported.user_api_key is None else await session.resolve_owner(exported.user_api_key)
    if exported.user_api_key is not None and owner is None:
        raise InvalidInputError(
            f"thunder_activation_run.user_api_key: no user has the label {exported.user_api_key!r}; "
            "import the user's traces first"
        )
    if exported.trace_request_id is not None:
        await runs.LOCK_LINK.execute(session.conn, trace_request_id=exported.trace_request_id)
    row = await runs.INSERT_RUN.fetch_only(
        session.conn,
        **exported.model_dump(exclude={"user_api_key", "preview"}),
        user_key_hmac=None if owner is None else owner.hmac,
        user_key_label=None if owner is None else owner.label,
    )
    await runs.LINK_TRACE.execute(session.conn, id=row)
    if exported.preview is not None:
        preview = exported.preview.model_dump(exclude={"answer"})
        await runs.INSERT_PREVIEW.execute(session.conn, run_id=row, answer=frame, **preview)


def _unpack(text: str) -> bytes:
    try:
        frame = base64.b64decode(text, validate=True)
    except binascii.Error:
        frame = b""
    if not check_frame(frame):
        raise InvalidInputError("thunder_activation_run.preview.answer: damaged; export it again")
    return frame
