"""Import over HTTP: post traces as an engine does, unless they are already stored."""

import re
from collections.abc import Awaitable
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import orjson

from core.access.hasher import find_label_range
from core.document.mask import find_keys, mask_document
from core.document.parse import parse_document
from core.document.schema import TraceDocument
from core.errors import InvalidInputError, ThunderError
from core.transfer.export_line import flatten, read_line
from core.transfer.exported_item import unwrap_item
from core.transfer.import_items import CONFLICT_NOTE, OnConflict, Outcome, Status, Store

TIMEOUT_S = 120
LONG_KEY, LONG_SHOWN, SHORT_SHOWN = 16, 6, 2
"""The number of characters of a key that its label shows (core.access.hasher)."""


class UploadError(ThunderError):
    """The server refused a trace; the message is the server's."""


class TakenError(UploadError):
    """The id belongs to another owner's request, or to one on legal hold."""


class ServerAwayError(ThunderError):
    """The server does not answer, has no database, or refuses the key."""

    status = 503


@dataclass(frozen=True, slots=True)
class Server:
    """The URL to post to, and the API key to use."""

    url: str
    key: str

    def fetch(self, request_id: str) -> bytes | None:
        """Return the stored document, or None if it doesn't exist or the key may not read it."""
        status, body = self._call("GET", f"/logs/{quote(request_id, safe='')}/trace")
        return body if status == 200 else None

    def post(self, document: bytes) -> bool:
        """Post a document and return whether it replaced another.

        Raises:
            TakenError: the id belongs to another owner's request, or to one on legal hold.
            UploadError: the server refused it.
        """
        status, body = self._call("POST", "/v1/ingest", document)
        if status == 409:
            raise TakenError(_read_sentence(body))
        if status != 201:
            raise UploadError(_read_sentence(body) or f"the server answered {status}")
        return bool(orjson.loads(body)["replaced"])

    def _call(self, method: str, path: str, data: bytes | None = None) -> tuple[int, bytes]:
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        request = Request(self.url + path, data, headers, method=method)  # noqa: S310 - the user's own URL
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
                return answer.status, answer.read()
        except HTTPError as error:
            with error:
                body = error.read()
            if error.code in {401, 403} and method == "POST":
                raise ServerAwayError(f"the key may not post: {_read_sentence(body)}") from None
            if error.code in {502, 503, 504}:
                raise ServerAwayError(_read_sentence(body) or f"the server answered {error.code}") from None
            return error.code, body
        except (OSError, HTTPException) as error:
            raise ServerAwayError(f"{self.url} does not answer: {error}") from None


def upload_to(server: Server, *, on_conflict: OnConflict) -> Store:
    """Return a function that posts a trace."""

    def store(line: bytes) -> Awaitable[Outcome]:
        return upload(server, line, on_conflict=on_conflict)

    return store


async def upload(server: Server, line: bytes, *, on_conflict: OnConflict) -> Outcome:
    """Post a trace unless it is already stored. `on_conflict` decides about another trace with the same id.

    Raises:
        InvalidInputError: the line is damaged, is not a valid trace, or names its user by a label.
        UploadError: the server refused the trace.
        ServerAwayError: the server does not answer.
    """
    document, _ = read_line(line)
    if unwrap_item(document) is not None:
        raise InvalidInputError("a response can't be posted under its stored id; import it without --url")
    posted = parse_document(document)
    keys = find_keys(document)
    if any(find_label_range(key) for key in keys):
        raise InvalidInputError("the user is given by a label, which --url does not support; import it without --url")
    request_id = posted.request.request_id
    stored = server.fetch(request_id)
    if stored is not None and _is_same(stored, document, posted):
        return Outcome(Status.SKIPPED, request_id)
    if stored is not None and on_conflict is OnConflict.SKIP:
        return Outcome(Status.CONFLICT, request_id, CONFLICT_NOTE)
    try:
        replaced = server.post(document)
    except TakenError as error:
        if on_conflict is OnConflict.REPLACE:
            raise
        return Outcome(Status.CONFLICT, request_id, str(error))
    return Outcome(Status.REPLACED if replaced else Status.OK, request_id)


def _is_same(stored: bytes, document: bytes, posted: TraceDocument) -> bool:
    """Whether a stored document equals this one, except that its labels replace keys with the same first characters."""
    text = stored.decode()

    def find_label(key: str) -> str:
        shown = re.escape(key[: LONG_SHOWN if len(key) >= LONG_KEY else SHORT_SHOWN])
        found = re.search(rf"{shown}…#[0-9a-f]{{12}}", text)
        return found[0] if found else key

    return flatten(mask_document(document, posted, find_label).body) == flatten(stored)


def _read_sentence(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return ""
