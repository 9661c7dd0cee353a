"""All settings, read from the environment. A test compares them with `.env.example`."""

import ipaddress
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from core.errors import InvalidInputError
from core.logging import DEFAULT_LEVEL, read_levels

DEFAULT_APP_NAME = "thunder-backend"
DEPLOYMENT_HEADER = "X-Thunder-Deployment"
"""The header with the setting THUNDER_DEPLOYMENT, which every answer has if it is set."""
OTHER_NAMES = {"thunder_app_name": "modal_app_name", "log_level": "rust_log"}
"""Variables that apply if a setting is unset. Secrets of the service that Thunder replaces have RUST_LOG."""

MIN_MODEL_KEY_CHARACTERS = 8
"""The key is removed from the answers of the model servers. A shorter one would occur in ordinary text."""

MAX_PORT = 65_535
DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.]+\]|[^\[\]/?#@*:\\\s]+)(?::(?P<port>[0-9]{1,5}))?"
)

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def _check_levels(text: str) -> str:
    try:
        read_levels(text)
    except InvalidInputError as error:
        raise ValueError(str(error).removeprefix("LOG_LEVEL: ")) from None
    return text


def _check_url(text: str) -> str:
    import httpx  # noqa: PLC0415 - takes long to import, and most processes have no URL to check

    try:
        url = httpx.URL(text)
        is_valid = text.startswith(("http://", "https://")) and url.host != "" and not url.query and not url.fragment
    except (httpx.InvalidURL, ValueError):
        is_valid = False
    if not is_valid:
        raise ValueError("is not a URL; write http://host:port")
    return text.rstrip("/")


Url = Annotated[str, AfterValidator(_check_url)]


def _check_model_key(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value()) < MIN_MODEL_KEY_CHARACTERS:
        raise ValueError(f"has fewer than {MIN_MODEL_KEY_CHARACTERS} characters; set a longer ADMIN_KEY there and here")
    return key


def _check_networks(text: str) -> str:
    read_networks(text)
    return text


def _clean_origins(text: str) -> str:
    """Write origins as browsers send them.

    Raises:
        ValueError: a part is not an origin, so it would never match.
    """
    return ",".join(_clean_origin(one.strip().lower().rstrip("/")) for one in text.split(",") if one.strip())


def _clean_origin(origin: str) -> str:
    """Write an origin without a default port, an IPv6 address in its short form, and other hosts in ASCII."""
    if origin in {"*", "null"}:
        return origin
    found = _ORIGIN.fullmatch(origin)
    scheme, host, number = found.group("scheme", "host", "port") if found else ("", "", None)
    port = int(number or DEFAULT_PORTS.get(scheme, 0))
    try:
        host = f"[{ipaddress.IPv6Address(host[1:-1])}]" if host.startswith("[") else _write_in_ascii(host)
    except ValueError:
        host = ""
    if not host or port > MAX_PORT:
        advice = "write https://host or https://host:port, without a path"
        advice += "" if origin.isascii() else ", and the host as xn--…"
        raise ValueError(f"{origin!r} is not an origin; {advice}")
    return f"{scheme}://{host}" if port == DEFAULT_PORTS.get(scheme, 0) else f"{scheme}://{host}:{port}"


def _write_in_ascii(host: str) -> str:
    if host.isascii():
        return host.encode("idna").decode()  # checks the lengths of the labels
    import idna  # noqa: PLC0415 - large tables, and few hosts need them

    return idna.encode(host, uts46=True).decode()


class Settings(BaseModel):
    """The settings of a process. Read them late, because a Modal container has no secrets during its snapshot.

    A setting is the variable of its name, in upper or lower case. An empty variable counts as unset.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - checked by pydantic
        variables = {name.lower(): value for name, value in os.environ.items() if value}
        for name, other in OTHER_NAMES.items():
            if other in variables:
                variables.setdefault(name, variables[other])
        super().__init__(**{**variables, **given})

    database_url: SecretStr | None = None
    """The URL of the Postgres database (Neon: the pooled URL). If unset, `make run` starts an embedded Postgres."""

    database_url_direct: SecretStr | None = None
    """The same database without a pooler, for migrations and the LISTEN of streams. If unset, migrations use
    DATABASE_URL, and streams derive Neon's direct URL or poll every second."""

    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 4
    """The maximum number of connections per process."""

    thunder_app_name: Annotated[str, Field(min_length=1, max_length=200)] = DEFAULT_APP_NAME
    """The name of this app, which must own the database. deploy.py sets it in each container; elsewhere,
    MODAL_APP_NAME is accepted as well."""

    thunder_commit: str | None = None
    """The commit of the code, which /healthz shows. deploy.py and `make run` set it; unset means unknown."""

    thunder_deployment: Annotated[str, Field(pattern=r"^[!-~]{1,100}$")] | None = None
    """The id of the deployment, which /healthz and a header of every answer show. deploy.py sets it."""

    thunder_admin_key: SecretStr | None = None
    """The admin key, which may do everything. If unset, `make run` generates one and keeps it in the data directory."""

    thunder_secret: SecretStr | None = None
    """The secret for hashing user API keys and deriving share links. If unset, `make run` generates one and keeps it in
    the data directory; elsewhere, one is generated and kept in the database, and leaks together with it."""

    thunder_secret_previous: SecretStr | None = None
    """The previous value of THUNDER_SECRET. A user's data moves to the new secret when the user's key is next used;
    `manage.py secret status` counts the remaining owners."""

    bootstrap_secret: SecretStr | None = None
    """The secret with which POST /auth/bootstrap creates the first admin key. If unset, bootstrap is disabled."""

    metrics_token: SecretStr | None = None
    """A token for GET /metrics, so that a scraper needs no admin key."""

    otel_exporter_otlp_endpoint: Url | None = None
    """The base URL of an OpenTelemetry collector that gets metrics and traces of Thunder over HTTP. If unset, nothing
    is exported. OpenTelemetry's other variables, such as OTEL_EXPORTER_OTLP_HEADERS, apply as well."""

    ingest_auth: Literal["key", "open"] = "key"
    """`open` accepts traces without a key. It is the default only for `make run` on loopback."""

    thunder_data_dir: Path = Path(".thunder")
    """The directory in which `make run` keeps the embedded database and the admin key."""

    app_host: str = "127.0.0.1"
    """The address that `make run` serves on."""

    app_port: Annotated[int, Field(ge=0, le=65535)] = 6767
    """The port that `make run` serves on; 0 chooses a free port."""

    retention_days: Annotated[float, Field(ge=1, le=36_500)] | None = None
    """The number of days after which a received request is deleted. Unset means never."""

    app_workers: Annotated[int, Field(ge=1, le=64)] | None = None
    """The number of processes of `make run`. If unset, one per core, at most 8."""

    log_cache_mb: Annotated[int, Field(ge=0, le=4096)] = 64
    """The size (MiB) of each process's cache of rendered logs."""

    trusted_proxies: Annotated[str, AfterValidator(_check_networks)] = ""
    """Comma-separated addresses or networks of proxies whose X-Forwarded-For header is trusted. If unset, the client is
    the peer of the connection."""

    thunder_url: str = ""
    """The address at which users reach this Thunder, for links in webhooks and link previews:
    https://thunder.example.com. If unset, webhooks use THUNDER_OWN_URL, and previews the host that the crawler
    requested."""

    thunder_own_url: str = ""
    """The address that this Thunder serves on, for links in webhooks if THUNDER_URL is unset. `make run` sets it. If
    both are unset, these links are paths."""

    webhook_allow: Annotated[str, AfterValidator(_check_networks)] = ""
    """Comma-separated addresses or networks that webhooks may reach although they are private. Plain http is accepted
    there only."""

    playground_llama_8b_url: Url | None = None
    """The model server of `llama-3.1-8b` for the playground. If unset, the playground answers 503 for this model."""

    playground_qwen_14b_url: Url | None = None
    """The model server of `qwen-14b` for the playground. If unset, the playground answers 503 for this model."""

    playground_admin_key: Annotated[SecretStr, AfterValidator(_check_model_key)] | None = None
    """The ADMIN_KEY of the model servers (at least 8 characters), with which the playground registers its users there.
    If unset, mods can't be uploaded."""

    playground_sae_url: Url | None = None
    """The server that extracts and analyzes features for the playground. If unset, these routes answer 503."""

    playground_activations_hf_url: Url | None = None
    """The server that runs prompts for the activations page. If unset, stored runs can still be read."""

    playground_keyless: bool = False
    """`true` serves the calls that the UI sends without a key: new playground keys, generated mods, and activations."""

    playground_sae_ids: str = ""
    """Comma-separated ids of autoencoders, in addition to the default, that callers may choose. The HF server downloads
    and loads the chosen ones."""

    max_body_mb: Annotated[int, Field(ge=1, le=1024)] = 75
    """The size limit (MiB) of a request body, both compressed and decompressed."""

    allowed_hosts: str = ""
    """Comma-separated host names, in addition to loopback, that ingest accepts if INGEST_AUTH=open."""

    allowed_origins: Annotated[str, AfterValidator(_clean_origins)] = "*"
    """Comma-separated origins that browsers may call from, as https://host or https://host:port; `*` allows every
    origin (without cookies)."""

    log_level: Annotated[str, AfterValidator(_check_levels)] = DEFAULT_LEVEL
    """debug, info, warning or error, optionally followed by levels of single loggers: `warning,core.db=debug`. If
    unset, RUST_LOG applies."""

    @property
    def admin_key(self) -> str | None:
        """The value of `thunder_admin_key`."""
        return self.thunder_admin_key.get_secret_value() if self.thunder_admin_key else None

    @property
    def secret(self) -> str | None:
        """The value of `thunder_secret`."""
        return self.thunder_secret.get_secret_value() if self.thunder_secret else None

    @property
    def previous_secret(self) -> str | None:
        """The value of `thunder_secret_previous`."""
        return self.thunder_secret_previous.get_secret_value() if self.thunder_secret_previous else None

    @cached_property
    def proxy_networks(self) -> Networks:
        """The networks of `trusted_proxies`."""
        return read_networks(self.trusted_proxies)

    @cached_property
    def webhook_networks(self) -> Networks:
        """The networks of `webhook_allow`."""
        return read_networks(self.webhook_allow)


def read_networks(text: str) -> Networks:
    """Parse comma-separated networks. An address is a network of one.

    Raises:
        ValueError: a part is not a network.
    """
    return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())
