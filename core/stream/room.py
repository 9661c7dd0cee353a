"""Limit the streams of a process, of an owner and of a key."""

from collections.abc import Collection

from core.errors import ThunderError
from core.stream.subscription import Subscription

MAX_STREAMS = 1000
RESERVED_FOR_ADMINS = 100
"""Number of streams reserved for admins."""
MAX_PER_ADMIN = 500
MAX_PER_OWNER = 200
"""Maximum streams of all keys that are bound to one user, or of a key without a user."""
MAX_PER_KEY = 100
"""Maximum streams of a key that is not an admin key."""


class CrowdedError(ThunderError):
    """The process has the maximum number of streams."""

    status = 503


class TooManyStreamsError(ThunderError):
    """The caller has the maximum number of streams."""

    status = 429


def require_room(new: Subscription, all_of_them: Collection[Subscription]) -> None:
    """Check that a client may open another stream.

    Raises:
        TooManyStreamsError: the key or its owner has too many streams.
        CrowdedError: the process has too many streams.
    """
    opened = [one for one in all_of_them if one.position is not None]
    account = new.caller.account
    own = sum(one.caller.account == account for one in opened)
    if own >= (MAX_PER_ADMIN if account.is_admin else MAX_PER_OWNER):
        raise TooManyStreamsError(f"streams: you have {own} open in this process; close some")
    if not account.is_admin and sum(one.key == new.key for one in opened) >= MAX_PER_KEY:
        raise TooManyStreamsError(f"streams: this key has {MAX_PER_KEY} open in this process; close some")
    if len(opened) >= (MAX_STREAMS if account.is_admin else MAX_STREAMS - RESERVED_FOR_ADMINS):
        raise CrowdedError(f"streams: this process has {len(opened)} open already; try again later")
