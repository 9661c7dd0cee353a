"""Settings: .env.example lists each of them once, with its default."""

import re

import pytest

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
