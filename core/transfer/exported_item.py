"""Export documents that are not Quote traces: wrap the text in a JSON object, because a line must be an object."""

from dataclasses import asdict, dataclass

import msgspec

from core.document.formats import QUOTE_FORMAT, require_known_format
from core.errors import InvalidInputError

NAME = b'{"thunder_item":'


@dataclass(frozen=True, slots=True)
class ExportedItem:
    """A stored document, and facts that it does not contain.

    Attributes:
        format: its format.
        choice: the position of the answer in it.
        request_id: the id of the request.
        group_id: the id of its group; None if it has none.
        document: its text.
    """

    format: int
    choice: int
    request_id: str
    group_id: str | None
    document: str


def wrap_item(item: ExportedItem) -> bytes:
    """Return the object of an item."""
    return msgspec.json.encode({"thunder_item": asdict(item)})


def unwrap_item(body: bytes) -> ExportedItem | None:
    """Return the item in a document; None if the document is a Quote trace.

    Raises:
        InvalidInputError: the item is damaged.
    """
    if not body.startswith(NAME):
        return None
    try:
        item = msgspec.json.decode(body, type=dict[str, ExportedItem])["thunder_item"]
    except (msgspec.DecodeError, KeyError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"thunder_item: {error}") from None
    require_known_format(item.format)
    if item.format == QUOTE_FORMAT:
        raise InvalidInputError("thunder_item.format: a Quote trace can't be wrapped; export it again")
    return item
