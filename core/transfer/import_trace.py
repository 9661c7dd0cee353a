"""An import into the database itself: as an admin's ingest, but a label finds the owner that it stands for."""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime

from core.access.caller import Scope
from core.access.hasher import Hasher, find_label_range
from core.access.session import Access, Visit
from core.database.pool import reread
from core.document.mask import MaskedDocument, find_keys, keep_document, mask_document
from core.document.parse import parse_document
from core.document.schema import TraceDocument
from core.pairing.scored_trace import score_trace
from core.traces.ingest import PreparedTrace, compress_document, ingest_trace, prepare_rows
from core.traces.store import StoredDocument, get_document
from core.transfer.export_line import Origin, fingerprint, flatten, read_line
from core.transfer.import_items import OnConflict, Outcome, Status, Store
from core.wire.zstandard import decompress


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a trace is to be; with neither, the admins'.

    Attributes:
        is_known: whether anything said whose it is; else whoever has it here keeps it.
    """

    hmac: bytes | None
    label: str | None
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a trace before it is stored: without users' keys, its owner, and what has its id already."""

    masked: MaskedDocument
    owner: Owner
    created_at: datetime | None
    stored: StoredDocument | None

    @property
    def is_stored(self) -> bool:
        """Whether the very same is there: the document byte for byte, but for line ends, and its owner if known."""
        if self.stored is None or (self.owner.is_known and self.stored.user_key_hmac != self.owner.hmac):
            return False
        return flatten(decompress(self.stored.document)) == flatten(self.masked.body)


def restore_into(access: Access, key: str | None, on_conflict: OnConflict) -> Store:
    """What stores one trace with an admin's key."""

    def store(line: bytes) -> Awaitable[Outcome]:
        return restore(access, key, line, on_conflict=on_conflict)

    return store


async def restore(access: Access, key: str | None, line: bytes, *, on_conflict: OnConflict) -> Outcome:
    """Store a trace unless it is there; another one of its id is replaced only if that is wanted.

    Args:
        access: the database.
        key: an admin's.
        line: a line of an export, or a document as an engine wrote it.
        on_conflict: what to do if another trace has the id.

    Raises:
        InvalidInputError: it is no trace.
        DatabaseUnavailableError: the database does not answer, or took too long.
    """
    body, origin = read_line(line)
    posted = parse_document(body)
    hasher = await access.hasher()
    masked = mask_import(body, posted, hasher)
    request_id = posted.request.request_id
    owner, stored = await _find_stored(access, key, posted, origin)
    found = Found(masked, owner, origin.created_at if origin else None, stored)
    note = "" if owner.is_known or not posted.request.user_api_key else "its user's label is not known here"
    if found.is_stored:
        return Outcome(Status.SKIPPED, request_id)
    if stored is not None and on_conflict is OnConflict.SKIP:
        return Outcome(Status.SKIPPED, request_id, "another trace has this id: --on-conflict replace replaces it")
    receipt = await ingest_trace(access, key, prepare_found(found))
    return Outcome(Status.REPLACED if receipt.replaced else Status.OK, request_id, note)


def mask_import(body: bytes, posted: TraceDocument, hasher: Hasher) -> MaskedDocument:
    """Put labels where users' keys are; a label that is there already stays as it is."""
    if all(find_label_range(key) for key in find_keys(body)):
        return keep_document(body, posted)
    return mask_document(body, posted, lambda key: key if find_label_range(key) else hasher.label_user_key(key))


def prepare_found(found: Found) -> PreparedTrace:
    """Score and compress, as an ingest does; a document without a beginning has the one of the export."""
    trace = score_trace(found.masked.document)
    prepared = prepare_rows(
        trace, compress_document(found.masked), owner=found.owner.hmac, owner_label=found.owner.label
    )
    began = prepared.request["created_at"] or found.created_at
    return replace(prepared, request={**prepared.request, "created_at": began})


@reread
async def _find_stored(
    access: Access, key: str | None, posted: TraceDocument, origin: Origin | None
) -> tuple[Owner, StoredDocument | None]:
    async with access.visit(key, Scope.READ) as visit:
        owner = await _find_owner(visit, posted, origin)
        return owner, await get_document(visit.conn, request_id=posted.request.request_id, owner=None)


async def _find_owner(visit: Visit, posted: TraceDocument, origin: Origin | None) -> Owner:
    if origin is not None and origin.secret == fingerprint(visit.hasher):
        return Owner(origin.owner, origin.label)
    key = posted.request.user_api_key
    if origin is not None and origin.label is not None:
        key = origin.label
    if not key:
        return Owner(None, None, is_known=False)
    hmac = await visit.resolve_owner(key)
    return Owner(None, None, is_known=False) if hmac is None else Owner(hmac, visit.label_of(key))
