"""The secret of a database: which one a process uses, and whether it is the one that the rows were written with."""

from dataclasses import dataclass

from core.access.hasher import Hasher
from core.access.store import Guards

REMEDY = (
    "set the earlier value, or, if it is lost, run `manage.py secret accept` with the new one, which says what is lost "
    "(docs/SECRETS.md)"
)
WRONG_SECRET = f"THUNDER_SECRET: not the secret of this database, so no user API key matches; {REMEDY}"
UNSET_SECRET = f"THUNDER_SECRET: not set, but this database was used with one; {REMEDY}"
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
    """

    secret: str | None
    problem: str
    fingerprint: str | None


def choose_secret(guards: Guards, *, setting: str | None, in_file: str | None = None) -> ChosenSecret:
    """Choose THUNDER_SECRET or, if it is not set, the secret in the database or in a file that is the database's.

    Args:
        guards: what the database knows.
        setting: THUNDER_SECRET.
        in_file: the secret of the data directory of `make run`.
    """
    known = guards.fingerprint
    if known is None and guards.kept_secret is not None:
        known = fingerprint_of(guards.kept_secret)
    candidates = [one for one in ([setting] if setting else [guards.kept_secret, in_file]) if one]
    for secret in candidates:
        if known is None or fingerprint_of(secret) == known:
            return ChosenSecret(secret, "", fingerprint_of(secret))
    problem = "" if known is None else WRONG_SECRET if setting else UNSET_SECRET
    return ChosenSecret(next(iter(candidates), None), problem, known)


def fingerprint_of(secret: str) -> str:
    """Return the fingerprint of a secret."""
    return Hasher(secret.encode()).fingerprint


def describe_lack(guards: Guards, chosen: ChosenSecret, *, has_admin_key: bool) -> list[str]:
    """Return a sentence for each thing that a server lacks although it answers."""
    lacking = [chosen.problem] if chosen.problem else []
    return lacking if has_admin_key or guards.admin_keys else [*lacking, NO_ADMIN_KEY]
