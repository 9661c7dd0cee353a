"""The secret of a database: which one a process uses, and whether it is the one that the rows were written with."""

from dataclasses import dataclass

from core.access.hasher import Hasher
from core.access.store import Guards

PAGE = "(docs/SECRETS.md)"
REMEDY = (
    "set the previous value or, if it is lost, run `manage.py secret accept` with the new one, which first lists the "
    f"consequences {PAGE}"
)
WRONG_SECRET = f"THUNDER_SECRET: not the secret of this database, so no user API key matches; {REMEDY}"
UNSET_SECRET = f"THUNDER_SECRET: not set, but this database was used with one; {REMEDY}"
SUPERSEDED_SECRET = (
    "THUNDER_SECRET: the one before the last rotation; set the present one, and this one as THUNDER_SECRET_PREVIOUS "
    f"{PAGE}"
)
UNFINISHED_ROTATION = (
    "THUNDER_SECRET: changed again, although owners still wait for the last rotation; set the value of that one, or "
    f"abandon their rows with it and `manage.py secret accept` {PAGE}"
)
LEFT_OVER = (
    "THUNDER_SECRET_PREVIOUS: not the secret before the last rotation, which the rows of some owners still have; "
    f"set that one, or abandon these rows with `manage.py secret accept` {PAGE}"
)
PROBLEMS = {WRONG_SECRET, UNSET_SECRET, SUPERSEDED_SECRET, UNFINISHED_ROTATION}
"""The problems of a process that does not have the secret of its database."""
NOT_USED_YET = (
    "THUNDER_SECRET: not set, and no server has used this database yet; set it to the value of the server, or start "
    "the server first"
)
NO_ADMIN_KEY = (
    "admin key: none exists; set THUNDER_ADMIN_KEY, or create one with `manage.py keys create NAME --admin` or, on "
    "Modal, with `modal run chores.py::admin_key` (docs/OPERATIONS.md)"
)


@dataclass(frozen=True, slots=True)
class ChosenSecret:
    """The secret of a process, and whether it may be used.

    Attributes:
        secret: None if the process has none and must not generate one, or has not done so yet.
        problem: the difference between the process and its database, with the remedy; empty if they agree.
        fingerprint: the fingerprint of the secret of the database; None if no secret is known.
        previous: THUNDER_SECRET_PREVIOUS, unless it equals the secret or the rows of the database move from another.
        is_new: whether `previous` is still the secret of the database, so that a server must begin the rotation.
    """

    secret: str | None
    problem: str
    fingerprint: str | None
    previous: str | None = None
    is_new: bool = False


def choose_secret(
    guards: Guards, *, setting: str | None, previous: str | None = None, in_file: str | None = None
) -> ChosenSecret:
    """Choose THUNDER_SECRET or, if it is not set, the secret in the database or in a file that is the database's.

    Args:
        guards: what the database knows.
        setting: THUNDER_SECRET.
        previous: THUNDER_SECRET_PREVIOUS.
        in_file: the secret of the data directory of `make run`.
    """
    known = guards.fingerprint
    if known is None and guards.kept_secret is not None:
        known = fingerprint_of(guards.kept_secret)
    of_previous = fingerprint_of(previous) if previous else None
    candidates = [one for one in ([setting] if setting else [guards.kept_secret, in_file]) if one]
    for secret in candidates:
        if known is None or fingerprint_of(secret) == known:
            moving = previous if guards.previous_fingerprint in {None, of_previous} and previous != secret else None
            return ChosenSecret(secret, "", fingerprint_of(secret), moving)
    is_reversed = setting is not None and fingerprint_of(setting) == guards.previous_fingerprint
    if setting and of_previous is not None and of_previous == known and (is_reversed or not guards.is_waiting):
        return ChosenSecret(setting, "", known, previous, is_new=True)
    return ChosenSecret(next(iter(candidates), None), _describe(guards, known, of_previous, setting), known)


def _describe(guards: Guards, known: str | None, of_previous: str | None, setting: str | None) -> str:
    """Describe how the secret of the process differs from the secret of the database."""
    if known is None or not setting:
        return UNSET_SECRET if known else ""
    if of_previous == known:
        return UNFINISHED_ROTATION
    return SUPERSEDED_SECRET if fingerprint_of(setting) == guards.previous_fingerprint else WRONG_SECRET


def fingerprint_of(secret: str) -> str:
    """Return the fingerprint of a secret."""
    return Hasher(secret.encode()).fingerprint


def describe_lack(guards: Guards, chosen: ChosenSecret, *, has_admin_key: bool) -> list[str]:
    """Return a sentence for each thing that a server lacks although it answers."""
    lacking = [chosen.problem] if chosen.problem else list_left_over(guards, chosen)
    return lacking if has_admin_key or guards.admin_keys else [*lacking, NO_ADMIN_KEY]


def list_left_over(guards: Guards, chosen: ChosenSecret) -> list[str]:
    """Return a warning if owners wait for a rotation, but the process does not have the previous secret."""
    return [LEFT_OVER] if guards.is_waiting and chosen.previous is None and not chosen.problem else []
