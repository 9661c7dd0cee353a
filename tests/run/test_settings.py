"""Settings: .env.example lists each with its default, and invalid values are refused in one sentence."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.local.environment import InvalidSettingError, describe_database, load_settings, open_ingest
from core.settings import Settings
from tests.support.environment import ROOT

EXAMPLE = ROOT / ".env.example"
OFFERED = re.compile(r"^# ([A-Z][A-Z0-9_]+)=(.*)$", re.MULTILINE)

PLACEHOLDERS = {"DATABASE_URL": "postgresql://user:password@host/database"}
"""Printed in place of a missing default."""


def list_offered() -> list[tuple[str, str]]:
    return OFFERED.findall(EXAMPLE.read_text(encoding="utf-8"))


def list_defaults() -> dict[str, str]:
    fields = Settings.model_fields.items()
    return {name.upper(): "" if field.default is None else str(field.default) for name, field in fields}


def test_the_example_lists_each_setting_with_its_default() -> None:
    assert sorted(list_offered()) == sorted({**list_defaults(), **PLACEHOLDERS}.items())


def test_the_example_sets_nothing() -> None:
    set_lines = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert set_lines == []


def test_the_values_of_the_example_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in list_offered():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.model_dump(exclude={"database_url"}) == Settings.model_construct().model_dump(
        exclude={"database_url"}
    )


def test_an_admin_key_of_the_model_servers_that_is_too_short_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAYGROUND_ADMIN_KEY", "qzj4567")
    with pytest.raises(InvalidSettingError, match=r"^PLAYGROUND_ADMIN_KEY: has fewer than 8 characters; set a longer"):
        load_settings()
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert "qzj4567" not in str(caught.value)
    monkeypatch.setenv("PLAYGROUND_ADMIN_KEY", "qzj45678")
    assert load_settings().playground_admin_key is not None


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://", "http://h:x", "http://xn--", "ftp://h", "http://h\n", "http://h/?a=1", "http://h#a"],
)
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="is not a URL; write http://host:port"):
        Settings(playground_sae_url=url)


@pytest.mark.parametrize(
    ("host", "chosen", "is_open"),
    [
        ("127.0.0.1", None, True),
        ("127.8.9.1", None, True),
        ("::1", None, True),
        ("localhost", None, True),
        ("0.0.0.0", None, False),
        ("::", None, False),
        ("192.168.1.2", None, False),
        ("thunder.example", None, False),
        ("127.0.0.1", "key", False),
        ("0.0.0.0", "open", True),
    ],
)
def test_ingest_is_open_only_on_loopback_or_by_choice(
    monkeypatch: pytest.MonkeyPatch, host: str, chosen: str | None, *, is_open: bool
) -> None:
    monkeypatch.setenv("APP_HOST", host)
    monkeypatch.delenv("INGEST_AUTH", raising=False)
    if chosen:
        monkeypatch.setenv("INGEST_AUTH", chosen)
    assert open_ingest(Settings()) is is_open


def test_a_database_is_named_without_its_password() -> None:
    assert describe_database("postgresql://me:secret@db.example:5433/logs?sslmode=require") == "logs on db.example:5433"
    with pytest.raises(InvalidSettingError):
        describe_database("postgresql://[")
    with pytest.raises(InvalidSettingError, match="DATABASE_URL: pgbouncer is not a parameter of Postgres"):
        describe_database("postgresql://me:secret@db.example/logs?sslmode=require&pgbouncer=true")
    with pytest.raises(InvalidSettingError, match="DATABASE_URL: any_other is not a parameter of Postgres"):
        describe_database("postgresql://db.example/logs?any_other=1")
    with pytest.raises(InvalidSettingError, match="DATABASE_URL: not valid"):
        describe_database("postgresql://me:a?secret=b@db.example/logs?secret=1")


@pytest.mark.parametrize(
    ("origins", "cleaned"),
    [
        ("*", "*"),
        ("HTTPS://Ui.example/, http://localhost:3000,", "https://ui.example,http://localhost:3000"),
        (
            "https://ui.example:443,http://ui.example:80,https://ui.example:80",
            "https://ui.example,http://ui.example,https://ui.example:80",
        ),
        ("null,chrome-extension://abc", "null,chrome-extension://abc"),
        ("https://b\u00fccher.example,http://[0:0::1]:8080", "https://xn--bcher-kva.example,http://[::1]:8080"),
        ("https://stra\u00dfe.example", "https://xn--strae-oqa.example"),
        ("https://\u2603.example", None),
        ("https://ui.example:0443,https://ui.example:0044", "https://ui.example,https://ui.example:44"),
        ("ui.example", None),
        ("https://ui.example/app", None),
        ("https://*.example", None),
        ("https://ui.example:", None),
        ("https://ui.example:70000", None),
        ("https://user@ui.example", None),
        ("https://ui.example https://other.example", None),
    ],
)
def test_an_origin_is_what_browsers_send_or_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, origins: str, cleaned: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALLOWED_ORIGINS", origins)
    if cleaned is not None:
        assert load_settings().allowed_origins == cleaned
        return
    with pytest.raises(InvalidSettingError, match=r"^ALLOWED_ORIGINS: '.+' is not an origin; write https://host"):
        load_settings()


def test_an_invalid_level_names_the_variable_it_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    for name in ("RUST_LOG", "LOG_LEVEL"):
        monkeypatch.setenv(name, "loud")
        with pytest.raises(InvalidSettingError, match=f"^{name}: 'loud' is not a level; write one of debug"):
            load_settings()


def test_an_invalid_setting_is_not_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INGEST_AUTH", "ck_secret")
    with pytest.raises(InvalidSettingError, match=r"^INGEST_AUTH: must be 'key' or 'open'$"):
        load_settings()
