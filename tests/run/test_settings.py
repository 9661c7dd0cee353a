"""Settings: .env.example lists each of them once, with its default."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.local.environment import InvalidSettingError, load_settings
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


@pytest.mark.parametrize("url", ["http://[::1", "http://", "http://h:x", "http://xn--", "ftp://h", "http://h\n"])
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="is not a URL; write http://host:port"):
        Settings(playground_sae_url=url)
