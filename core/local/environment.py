"""The environment of `make run`: `.env`, then what is decided here for whatever it leaves open."""

import ipaddress
import os
import re
from pathlib import Path

from dotenv import load_dotenv
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import ValidationError

from core.errors import ThunderError
from core.settings import Settings

_PORTS = re.compile(r"[0-9,]*")


class InvalidSettingError(ThunderError):
    """A setting does not say what it should; the sentence names it."""


def load_settings() -> Settings:
    """Read `.env` of the working directory, which overrides nothing, and then the settings.

    Raises:
        InvalidSettingError: if one of them is not valid.
    """
    load_dotenv(Path(".env"), override=False)
    try:
        return Settings()
    except ValidationError as error:
        # Not the error's own text: that quotes what was set, and a setting may be a secret.
        wrong = [f"{str(detail['loc'][0]).upper()}: {detail['msg']}" for detail in error.errors()]
        raise InvalidSettingError("; ".join(wrong)) from None


def open_ingest(settings: Settings) -> bool:
    """Say whether traces come in without a key; if nobody chose, they do where only this machine can send any."""
    if "ingest_auth" in settings.model_fields_set:
        return settings.ingest_auth == "open"
    return is_loopback(settings.app_host)


def is_loopback(host: str) -> bool:
    """Whether an address to serve on is reachable from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def export(*, dsn: str | None, admin_key: str, secret: str, ingest_open: bool) -> None:
    """Hand the app what was decided; it reads the environment as it does on Modal.

    Args:
        dsn: The embedded database's; None leaves DATABASE_URL as it is.
        admin_key: The key that reads everything.
        secret: What users' keys are hashed under.
        ingest_open: Whether traces come in without a key.
    """
    os.environ["THUNDER_ADMIN_KEY"] = admin_key
    os.environ["THUNDER_SECRET"] = secret
    os.environ["INGEST_AUTH"] = "open" if ingest_open else "key"
    if dsn is not None:
        os.environ["DATABASE_URL"] = os.environ["DATABASE_URL_DIRECT"] = dsn


def describe_database(dsn: str) -> str:
    """Name a database without its password.

    Raises:
        InvalidSettingError: if the DSN is none.
    """
    try:
        parts = conninfo_to_dict(dsn)
    except ProgrammingError:
        # Not its own text, which may quote the password.
        raise InvalidSettingError("DATABASE_URL: not a Postgres URL (postgresql://user:password@host/name)") from None
    host, port, name = str(parts.get("host", "localhost")), str(parts.get("port") or ""), str(parts.get("dbname", ""))
    if "@" in host + name or not _PORTS.fullmatch(port):
        # Its own @ or / splits a URL within the password, the rest of which would be shown as host or name.
        raise InvalidSettingError("DATABASE_URL: write an @ in its password as %40, a / as %2F and a : as %3A")
    return f"{name} on {host}{f':{port}' if port else ''}"
