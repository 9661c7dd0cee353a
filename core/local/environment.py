"""The environment of `make run`: the file `.env`, and defaults for unset variables."""

import ipaddress
import os
import re
from pathlib import Path

from dotenv import load_dotenv
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import ValidationError

from core.errors import ThunderError
from core.settings import OTHER_NAMES, Settings
from core.wire.validation import describe_message

_PORTS = re.compile(r"[0-9,]*")
_UNKNOWN_PARAMETER = re.compile(r'"([A-Za-z_]{1,40})"')


class InvalidSettingError(ThunderError):
    """A setting is not valid; the message names it."""


def load_settings() -> Settings:
    """Load `.env` from the working directory, without overriding set variables, and return the settings.

    Raises:
        InvalidSettingError: if a setting is not valid.
    """
    load_dotenv(Path(".env"), override=False)
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"{_name_variable(str(detail['loc'][0]))}: {describe_message(detail)}" for detail in error.errors()]
        raise InvalidSettingError("; ".join(wrong)) from None


def _name_variable(setting: str) -> str:
    """Return the variable that a setting was read from."""
    is_set = any(name.lower() == setting and value for name, value in os.environ.items())
    return (setting if is_set else OTHER_NAMES.get(setting, setting)).upper()


def open_ingest(settings: Settings) -> bool:
    """Return whether ingest needs no key. Unless INGEST_AUTH is set, this is the case on loopback addresses."""
    if "ingest_auth" in settings.model_fields_set:
        return settings.ingest_auth == "open"
    return is_loopback(settings.app_host)


def is_loopback(host: str) -> bool:
    """Return whether an address is reachable only from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def export(*, dsn: str | None, admin_key: str, secret: str | None, ingest_open: bool) -> None:
    """Set the environment variables that the app reads, as Modal does.

    Args:
        dsn: The DSN of the embedded database; None leaves DATABASE_URL unchanged.
        admin_key: The key that reads everything.
        secret: The secret that user API keys are hashed with; None if the database keeps it.
        ingest_open: Whether ingest needs no key.
    """
    os.environ["THUNDER_ADMIN_KEY"] = admin_key
    if secret is not None:
        os.environ["THUNDER_SECRET"] = secret
    os.environ["INGEST_AUTH"] = "open" if ingest_open else "key"
    if dsn is not None:
        os.environ["DATABASE_URL"] = os.environ["DATABASE_URL_DIRECT"] = dsn


def describe_database(dsn: str) -> str:
    """Name a database without its password.

    Raises:
        InvalidSettingError: if the DSN is not valid.
    """
    try:
        parts = conninfo_to_dict(dsn)
    except ProgrammingError as error:
        # The parameters can't be a part of the password if no @ comes after the question mark.
        before, _, parameters = dsn.partition("?")
        found = _UNKNOWN_PARAMETER.search(str(error))
        if found and before.count("@") <= 1 and "@" not in parameters and f"{found[1]}=" in parameters:
            raise InvalidSettingError(f"DATABASE_URL: {found[1]} is not a parameter of Postgres; remove it") from None
        # The error's own text may quote the password.
        raise InvalidSettingError("DATABASE_URL: not valid; write postgresql://user:password@host/name") from None
    host, port, name = str(parts.get("host", "localhost")), str(parts.get("port") or ""), str(parts.get("dbname", ""))
    if "@" in host + name or not _PORTS.fullmatch(port):
        # An unescaped @ or / in the password splits the URL there, and the rest would be shown as host or name.
        raise InvalidSettingError("DATABASE_URL: unescaped password; write @ as %40, / as %2F and : as %3A")
    return f"{name} on {host}{f':{port}' if port else ''}"
