"""The packages of the lock files."""

import re

from tests.support.environment import ROOT

LOCKED = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.MULTILINE)


def read_lock(name: str) -> dict[str, str]:
    """Return the version of each package."""
    return dict(LOCKED.findall((ROOT / name).read_text(encoding="utf-8")))
