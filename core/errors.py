"""The one tree of errors that a caller is told about.

Every other exception is a bug: the caller gets a 500 without detail and the log gets the rest.
"""

from typing import ClassVar


class ThunderError(Exception):
    """An error whose sentence may be shown to the caller.

    Subclasses live in the module that raises them and set the HTTP status that fits.
    """

    status: ClassVar[int] = 500


class InvalidInputError(ThunderError):
    """The caller sent something that breaks the contract; the sentence names the place."""

    status = 400


class NotFoundError(ThunderError):
    """There is no such thing, or it is not the caller's to see: the two look the same."""

    status = 404
