"""Every setting, read from the environment. `.env.example` lists the same ones; a test compares the two."""

import ipaddress
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import InvalidInputError
from core.logging import DEFAULT_LEVEL, read_levels

DEFAULT_APP_NAME = "thunder-backend"


Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def _check_levels(text: str) -> str:
    try:
        read_levels(text)
    except InvalidInputError as error:
        raise ValueError(str(error)) from None
    return text


def _check_networks(text: str) -> str:
    read_networks(text)
    return text


class Settings(BaseSettings):
    """The process's settings. Read them late: a Modal container has no secrets while it is being snapshotted."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    database_url: SecretStr | None = None
    """Postgres to use (Neon: the pooled URL). Unset, `make run` starts an embedded one."""

    database_url_direct: SecretStr | None = None
    """The same database without a pooler in between, for migrations and for streams, which listen there. Unset,
    migrations use DATABASE_URL, and streams work out Neon's or look each second."""

    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 4
    """Connections a process may open."""

    database_prepare_threshold: Annotated[int, Field(ge=0)] | None = None
    """Executions after which psycopg prepares a statement. Unset: never, which is right behind PgBouncer."""

    thunder_app_name: Annotated[
        str, Field(min_length=1, max_length=200, validation_alias=AliasChoices("THUNDER_APP_NAME", "MODAL_APP_NAME"))
    ] = DEFAULT_APP_NAME
    """Whose process this is, and whose the database must be. deploy.py hands each container its app's name; elsewhere
    MODAL_APP_NAME, which names the app for a deploy, does as well."""

    thunder_admin_key: SecretStr | None = None
    """The key that may read everything. Unset, `make run` makes one and keeps it in the data directory."""

    thunder_secret: SecretStr | None = None
    """What users' keys are hashed and share links derived under; lies outside the database. `make run` keeps one in the
    data directory; elsewhere, unset, the database keeps one itself, which a leak of it then includes."""

    bootstrap_secret: SecretStr | None = None
    """What POST /auth/bootstrap must be told to make the first admin key. Unset, it makes none."""

    metrics_token: SecretStr | None = None
    """What GET /metrics takes beside an admin key, so that a scraper needs no more than that."""

    ingest_auth: Literal["key", "open"] = "key"
    """`open` lets traces in without a key. `make run` on loopback defaults to it; nothing else does."""

    thunder_data_dir: Path = Path(".thunder")
    """Where `make run` keeps the embedded database and its admin key."""

    app_host: str = "127.0.0.1"
    """The address that `make run` serves on."""

    app_port: Annotated[int, Field(ge=0, le=65535)] = 6767
    """The port that `make run` serves on; 0 takes a free one."""

    retention_days: Annotated[float, Field(ge=1, le=36_500)] | None = None
    """Days after which a request is deleted, counted from when it came in. Unset: never."""

    app_workers: Annotated[int, Field(ge=1, le=64)] | None = None
    """Processes that `make run` serves from. Unset: one per core, 8 at most."""

    log_cache_mb: Annotated[int, Field(ge=0, le=4096)] = 64
    """Memory (MiB) in which each process keeps the logs that were read last, rendered and compressed."""

    trusted_proxies: Annotated[str, AfterValidator(_check_networks)] = ""
    """Addresses or networks of proxies, comma-separated, whose X-Forwarded-For names the client. Unset, the client is
    the other end of the connection."""

    max_body_mb: Annotated[int, Field(ge=1, le=1024)] = 75
    """The largest body, in MiB, as sent and as unpacked."""

    allowed_hosts: str = ""
    """Names, besides those of loopback, that a post may use for this server where INGEST_AUTH=open; comma-separated."""

    allowed_origins: str = "*"
    """Origins a browser may call from, comma-separated; `*` is every one (without cookies)."""

    log_level: Annotated[str, AfterValidator(_check_levels)] = DEFAULT_LEVEL
    """debug, info, warning or error; or of single loggers (`core.db=debug`); or both, separated by commas."""

    @cached_property
    def proxy_networks(self) -> Networks:
        """The networks of `trusted_proxies`."""
        return read_networks(self.trusted_proxies)


def read_networks(text: str) -> Networks:
    """Read networks, separated by commas; an address is a network of one.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())
