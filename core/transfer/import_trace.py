"""Import traces into the database, like an ingest by an admin, but with labels resolved to their owners."""

from asyncio import Lock
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime
from weakref import WeakValueDictionary

from core.access.access import Access
from core.access.caller import Scope
from core.access.hasher import Hasher, find_label_range
from core.access.hasher import Owner as KeyOwner
from core.access.session import Session
from core.database.pool import retry_read
from core.document.formats import QUOTE_FORMAT, require_known_format
from core.document.mask import MaskedDocument, find_keys, keep_document, mask_document
from core.document.parse import parse_document
from core.document.schema import TraceDocument
from core.traces.ingest import PreparedTrace, compress_document, ingest_answers, ingest_trace, prepare_rows
from core.traces.items import is_posted_trace, prepare_item
from core.traces.kept import keep_quote, read_kept
from core.traces.store import GET_DOCUMENT, StoredDocument
from core.transfer.export_line import Origin, flatten, read_line
from core.transfer.exported_item import ExportedItem, unwrap_item
from core.transfer.import_calibrator import CalibratorLine, restore_calibrator
from core.transfer.import_items import CONFLICT_NOTE, OnConflict, Outcome, Status, Store, unwrap_line
from core.transfer.import_run import RunLine, restore_run
from core.wire.zstandard import compress, decompress

Locks = WeakValueDictionary[str, Lock]
CALIBRATORS = "\0calibrators"
"""Key of the lock of all calibrators, whose versions are numbered in order. No request has this id."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner that a trace gets. With neither HMAC nor label, it belongs to the admins.

    Attributes:
        is_known: whether the owner is known. If not, a stored trace keeps its owner.
    """

    hmac: bytes | None
    label: str | None
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A trace to import: its masked document, its owner, and the stored document with the same id.

    Attributes:
        previous: the document with labels under the previous secret, which a document stored before a rotation has.
    """

    masked: MaskedDocument | ExportedItem
    owner: Owner
    created_at: datetime | None
    stored: StoredDocument | None
    previous: MaskedDocument | None = None

    @property
    def is_stored(self) -> bool:
        """Whether the same document is stored, byte for byte except for line ends, with the same owner if known."""
        if self.stored is None or (self.owner.is_known and self.stored.user_key_hmac != self.owner.hmac):
            return False
        stored = decompress(self.stored.document)
        if isinstance(self.masked, ExportedItem):
            return stored == self.masked.document.encode() and self.stored.choice == self.masked.choice
        bodies = (one.body for one in (self.masked, self.previous) if one is not None)
        return flatten(stored) in map(flatten, bodies)


def restore_into(access: Access, key: str | None, on_conflict: OnConflict) -> Store:
    """Return a function that stores a trace with an admin key."""
    locks: Locks = WeakValueDictionary()

    def store(line: bytes) -> Awaitable[Outcome]:
        return restore(access, key, line, locks, on_conflict=on_conflict)

    return store


async def restore(access: Access, key: str | None, line: bytes, locks: Locks, *, on_conflict: OnConflict) -> Outcome:
    """Store a trace, a calibrator or an activation run unless it is already stored.

    Args:
        access: the database.
        key: an admin key.
        line: a line of an export, or the document of an engine.
        locks: locks by id, which keep traces with the same id in order.
        on_conflict: how to handle an id that belongs to another stored trace.

    Raises:
        InvalidInputError: the line is damaged, or not a valid trace.
        DatabaseUnavailableError: the database does not answer, or took too long.
    """
    body, origin = read_line(line)
    if (found := unwrap_line(body, CalibratorLine)) is not None:
        async with locks.setdefault(CALIBRATORS, Lock()):
            return await restore_calibrator(access, key, found.thunder_calibrator, on_conflict=on_conflict)
    if (found := unwrap_line(body, RunLine)) is not None:
        run = found.thunder_activation_run
        async with locks.setdefault(f"\0{run.request_id}", Lock()):
            return await restore_run(access, key, run, on_conflict=on_conflict)
    masked, previous = unwrap_item(body), None
    if masked is None and not is_posted_trace(body):
        prepared = prepare_item(body, await access.hasher())
        if isinstance(prepared, list) and prepared[0].document["format"] != QUOTE_FORMAT:
            async with locks.setdefault(prepared[0].base_id or prepared[0].request_id, Lock()):
                return await _restore_answers(access, key, prepared, on_conflict)
    if masked is None:
        posted = parse_document(body)
        hasher = await access.hasher()
        masked = mask_import(body, posted, hasher)
        if hasher.previous is not None:
            previous = mask_import(body, parse_document(body), hasher.previous)
        request_id, user_key = posted.request.request_id, posted.request.user_api_key
    else:
        request_id, user_key = masked.request_id, None
    async with locks.setdefault(request_id, Lock()):
        owner, stored = await _find_stored(access, key, request_id, user_key, origin)
        found = Found(masked, owner, origin.created_at if origin else None, stored, previous)
        note = "" if owner.is_known or not user_key else "its user's label is unknown in this database"
        if found.is_stored:
            return Outcome(Status.SKIPPED, request_id)
        if stored is not None and on_conflict is OnConflict.SKIP:
            return Outcome(Status.CONFLICT, request_id, CONFLICT_NOTE)
        receipt = await ingest_trace(access, key, prepare_found(found))
        return Outcome(Status.REPLACED if receipt.replaced else Status.OK, request_id, note)


async def _restore_answers(
    access: Access, key: str | None, prepared: list[PreparedTrace], on_conflict: OnConflict
) -> Outcome:
    """Store the answers of an item that was never exported, as an ingest does."""
    shown = prepared[0].base_id or prepared[0].request_id
    _, stored = await _find_stored(access, key, prepared[0].request_id, None, None)
    if stored is not None and decompress(stored.document) == decompress(prepared[0].document["document"]):
        return Outcome(Status.SKIPPED, shown)
    if stored is not None and on_conflict is OnConflict.SKIP:
        return Outcome(Status.CONFLICT, shown, CONFLICT_NOTE)
    receipts = await ingest_answers(access, key, prepared)
    is_replaced = any(receipt.replaced for receipt in receipts)
    return Outcome(Status.REPLACED if is_replaced else Status.OK, shown)


def mask_import(body: bytes, posted: TraceDocument, hasher: Hasher) -> MaskedDocument:
    """Replace user API keys with labels. Existing labels stay."""
    if all(find_label_range(key) for key in find_keys(body)):
        return keep_document(body, posted)
    return mask_document(body, posted, lambda key: key if find_label_range(key) else hasher.label_user_key(key))


def prepare_found(found: Found) -> PreparedTrace:
    """Score and compress a trace like an ingest. If the document has no created_at, use the one of the export."""
    prepared = _prepare(found.masked, found.owner)
    began = prepared.request["created_at"] or found.created_at
    return replace(prepared, request={**prepared.request, "created_at": began})


def _prepare(masked: MaskedDocument | ExportedItem, owner: Owner) -> PreparedTrace:
    if isinstance(masked, MaskedDocument):
        kept, document = keep_quote(masked.document), compress_document(masked)
        return prepare_rows(kept, document, owner=owner.hmac, owner_label=owner.label)
    text = masked.document.encode()
    kept = read_kept(text, masked.format, masked.choice)
    document = {"format": masked.format, "choice": masked.choice, "document_bytes": len(text)}
    prepared = prepare_rows(
        kept,
        {**document, "document": compress([text])},
        owner=owner.hmac,
        owner_label=owner.label,
        request_id=masked.request_id,
    )
    return replace(prepared, request={**prepared.request, "group_id": masked.group_id})


@retry_read
async def _find_stored(
    access: Access, key: str | None, request_id: str, user_key: str | None, origin: Origin | None
) -> tuple[Owner, StoredDocument | None]:
    await access.settle_key(user_key, by=key)
    async with access.session(key, Scope.READ) as session:
        owner = await _find_owner(session, user_key, origin)
        stored = await GET_DOCUMENT.fetch_one(session.conn, request_id=request_id, owner=None)
    if stored is not None:
        require_known_format(stored.format)
    return owner, stored


async def _find_owner(session: Session, key: str | None, origin: Origin | None) -> Owner:
    if origin is not None and origin.secret == session.hasher.fingerprint:
        return Owner(origin.owner, origin.label)
    if origin is not None and origin.label is not None:
        key = origin.label
    if not key:
        return Owner(None, None, is_known=False)
    found = await session.resolve_owner(key)
    if found is not None:
        return Owner(*found)
    previous = session.hasher.previous
    if origin is None or origin.owner is None or previous is None or origin.secret != previous.fingerprint:
        return Owner(None, None, is_known=False)
    await session.note_previous_owner(KeyOwner(origin.owner, key), origin.secret)
    return Owner(origin.owner, key)  # moves when the user's key is next used
