"""Prove that a request is deleted, by its receipt and by a search for remains, for `manage.py verify-deletion`."""

import re
from dataclasses import dataclass

from core.access.access import Access
from core.access.caller import Scope
from core.access.session import Session
from core.database.statements import SET_TIMEOUT
from core.deletions import proof_store, store
from core.deletions.deletion import hash_request_id
from core.deletions.proof_store import Chain, Finding
from core.deletions.search import compile_pattern, matches, write_pattern
from core.deletions.store import Deletion
from core.document.formats import require_known_format
from core.errors import InvalidInputError
from core.wire.json_text import to_column_text

SEARCH_TIMEOUT_MS = 600_000
"""Statement timeout for searching one table or fetching a few documents."""
DOCUMENTS = "request_traces, stored documents"
ANSWERS = "activation_previews, stored answers"
DOCUMENTS_AT_ONCE = 4
"""Documents in memory at a time. One may have 75 MB."""
LATEST = 1


@dataclass(frozen=True, slots=True)
class Proof:
    """The result of a verification.

    Attributes:
        receipt: the latest receipt of the request; None if it was never deleted.
        chain: the state of the chain of all receipts.
        findings: the columns and documents that still contain the id or the user API key.
        documents: the number of stored documents that were searched.
    """

    receipt: Deletion | None
    chain: Chain
    findings: list[Finding]
    documents: int

    @property
    def holds(self) -> bool:
        """Whether the request is proven to be deleted."""
        return self.receipt is not None and self.chain.is_whole and not self.findings


async def verify(access: Access, key: str | None, *, request_id: str, user_key: str | None) -> Proof:
    """Recompute the chain of receipts, and search every table and every stored document.

    Raises:
        InvalidInputError: the id or the key is empty or not a text.
    """
    for name, text in (("REQUEST_ID", request_id), ("--user-key", user_key)):
        if text is not None and (not text or to_column_text(text) != text):
            raise InvalidInputError(f"{name}: empty, or not UTF-8; give the complete text")
    async with access.session(key, Scope.ADMIN) as session:
        await SET_TIMEOUT.execute(session.conn, milliseconds=SEARCH_TIMEOUT_MS)
        digest = hash_request_id(request_id)
        receipts = await store.LIST_DELETIONS.fetch_all(session.conn, request_sha256=digest, limit=LATEST, offset=0)
        chain = await proof_store.CHECK_CHAIN.fetch_only(session.conn)
        findings, documents = await _search(session, request_id, user_key)
    return Proof(receipts[0] if receipts else None, chain, findings, documents)


async def _search(session: Session, request_id: str, user_key: str | None) -> tuple[list[Finding], int]:
    texts: list[str] = [request_id]
    hashes: list[bytes] = []
    if user_key is not None:
        hashers = [session.hasher] + ([session.hasher.previous] if session.hasher.previous else [])
        texts += [user_key, *(one.label_user_key(user_key) for one in hashers)]
        hashes = session.hasher.list_hashes(user_key)
    findings = await proof_store.FIND_TEXTS.fetch_all(session.conn, pattern=write_pattern(texts), hashes=hashes)
    pattern = compile_pattern(texts)
    hits, documents = await _search_documents(session, pattern)
    if hits:
        findings.append(Finding(path=DOCUMENTS, hits=hits))
    if hits := await _search_answers(session, pattern):
        findings.append(Finding(path=ANSWERS, hits=hits))
    return findings, documents


async def _search_documents(session: Session, pattern: re.Pattern[bytes]) -> tuple[int, int]:
    """Return the number of stored documents that match the pattern, and the number of all stored documents.

    Raises:
        NewerFormatError: a newer version of Thunder stored one of them, so it can't be searched.
    """
    hits = documents = after = 0
    while page := await proof_store.LIST_DOCUMENTS.fetch_all(session.conn, after=after, limit=DOCUMENTS_AT_ONCE):
        after = page[-1].request_pk
        documents += len(page)
        for row in page:
            require_known_format(row.format)
        hits += sum(matches(pattern, row.document) for row in page)
    return hits, documents


async def _search_answers(session: Session, pattern: re.Pattern[bytes]) -> int:
    """Return the number of answers of activation runs that match the pattern."""
    hits = after = 0
    while page := await proof_store.LIST_ANSWERS.fetch_all(session.conn, after=after, limit=DOCUMENTS_AT_ONCE):
        after = page[-1].run_id
        hits += sum(matches(pattern, row.answer) for row in page)
    return hits


def describe_proof(proof: Proof) -> list[str]:
    """Describe a proof in lines of text."""
    chain, receipt = proof.chain, proof.receipt
    lines = [f"receipts  {chain.receipts} of {chain.recorded}, {chain.describe()}"]
    if receipt is None:
        lines.append("receipt   missing: no request of this id was deleted")
    else:
        when = f"{receipt.deleted_at:%Y-%m-%d %H:%M:%S} UTC"
        lines.append(f"receipt   {receipt.ordinal}, of {when}, by {receipt.deleted_by} ({receipt.reason})")
        lines.append(f"hash      {receipt.chain.hex()}")
    lines += [f"found     in {one.path}: {one.hits}" for one in proof.findings]
    if not proof.findings:
        lines.append(f"found     nothing, in any table or in the {proof.documents} stored documents")
    lines.append("deleted   yes" if proof.holds else "deleted   not proven")
    return lines
