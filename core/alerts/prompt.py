"""Read the user's prompt from a stored document, for alerts that include it."""

from core.document.formats import QUOTE_FORMAT, require_known_format
from core.document.parse import parse_stored
from core.document.schema import TraceDocument
from core.errors import ThunderError
from core.responses.prompt import USER_ROLE, read_prompt
from core.traces.kept import parse_item
from core.wire.zstandard import decompress

MAX_PROMPT_BYTES = 4 * 1024 * 1024
"""Size of a document, above which its prompt is not sent, because parsing would block the process for too long."""
MAX_PROMPT_CHARACTERS = 16_384


def read_user_prompt(frame: bytes, number: int) -> str | None:
    """Return the start of the prompt in a compressed document of this format; None if it can't be read. Pure."""
    try:
        require_known_format(number)
        document = decompress(frame)
        if number == QUOTE_FORMAT:
            prompt = _find_prompt(parse_stored(document))
        else:
            prompt = read_prompt(parse_item(document, number).request).find_role(USER_ROLE)
    except ThunderError:  # written by another version
        return None
    return None if prompt is None else prompt[:MAX_PROMPT_CHARACTERS]


def _find_prompt(document: TraceDocument) -> str | None:
    if document.request.user_prompt is not None:
        return document.request.user_prompt
    return next((event.input_text for event in document.events if event.event_type == "ForwardPass"), None)
