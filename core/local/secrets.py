"""The admin key and the secret that `make run` generates, so that Thunder has no default key."""

import contextlib
import os
import secrets
from collections.abc import Generator
from pathlib import Path
from typing import TextIO

from core.access.keys import KEY_BYTES, KEY_PREFIX
from core.access.secret import choose_secret
from core.access.store import Guards
from core.local.data_directory import make_data_dir, using_directory
from core.settings import Settings


def load_admin_key(settings: Settings) -> str:
    """Return the configured admin key, or else the key of the data directory, generated if it doesn't exist."""
    return settings.admin_key or _load_key(settings.thunder_data_dir / "admin-key", prefix=KEY_PREFIX)


def find_admin_key(settings: Settings) -> str | None:
    """Return the key that `make run` would use, without generating one."""
    return settings.admin_key or read_key(settings.thunder_data_dir / "admin-key") or None


def find_secret(settings: Settings) -> str | None:
    """Return the secret of the data directory, which `make run` uses if none is set. None if it doesn't exist."""
    return read_key(settings.thunder_data_dir / "secret") or None


def load_secret(settings: Settings, guards: Guards | None) -> str | None:
    """Return the configured THUNDER_SECRET, or else the one of the data directory, generated if it doesn't exist.

    Args:
        settings: the settings.
        guards: the records of a database at DATABASE_URL. If it has a secret, no secret is generated, and the result is
            None if the database keeps it.
    """
    if settings.secret is not None:
        return settings.secret
    if guards is None or (guards.fingerprint is None and guards.kept_secret is None):
        return _load_key(settings.thunder_data_dir / "secret", prefix="")
    in_file = find_secret(settings)
    chosen = choose_secret(guards, setting=None, in_file=in_file)
    return in_file if chosen.problem or chosen.secret == in_file else None


def _load_key(path: Path, *, prefix: str) -> str:
    with using_directory(path.parent):
        make_data_dir(path.parent)
        return read_key(path) or make_key(path, prefix=prefix)


def read_key(path: Path) -> str:
    """Return the key in a file, or an empty string if the file doesn't exist."""
    with using_directory(path.parent), contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    return ""


def make_key(path: Path, *, prefix: str) -> str:
    """Generate a key and store it in a file (mode 0600) that is renamed into place when it is complete."""
    key = prefix + secrets.token_hex(KEY_BYTES)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    with open_new_file(unfinished) as file:
        file.write(key + "\n")
    unfinished.rename(path)
    return key


@contextlib.contextmanager
def open_new_file(path: Path) -> Generator[TextIO]:
    """Open a new file for a secret, which only this user may read (mode 0600). A failure within the block deletes it.

    Raises:
        FileExistsError: the file exists; it is not overwritten.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
