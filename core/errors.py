"""The errors whose messages are sent to callers.

Every other exception is a bug: the caller gets a 500 without detail, and the details are logged.
"""

from typing import ClassVar


class ThunderError(Exception):
    """An error whose message may be shown to the caller.

    Each subclass is defined in the module that raises it and sets its HTTP status.

    Attributes:
        status: the HTTP status.
        error_code: the code in errors of /playground/activations, if the status does not determine it.
    """

    status: ClassVar[int] = 500
    error_code: ClassVar[str | None] = None


class InvalidInputError(ThunderError):
    """The caller's input breaks the contract; the message names the field."""

    status = 400


class NotFoundError(ThunderError):
    """The object does not exist, or the caller may not see it; both cases get the same answer."""

    status = 404


class NothingMatchedError(NotFoundError):
    """The user given to a command has no data that matches, for example because the key is mistyped."""
