"""The commands of docs/OPERATIONS.md, section "Chores", run as printed with a new database behind PgBouncer.

A ```sh block contains a command, or several on separate lines. A ```text block after it is the output; … replaces any
text.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.local.postgres import EmbeddedPostgres
from tests.support.documents import trace_names
from tests.support.environment import ROOT
from tests.support.keys import ADMIN_KEY
from tests.support.pgbouncer import pooled_dsn, run_pgbouncer

DOCUMENT = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```sh\n(.*?)```\n(?:```text\n(.*?)```\n)?", re.DOTALL)
COMMAND_SECONDS = 60
APP_NAME = "thunder-backend-staging"


def read_section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", DOCUMENT, re.DOTALL | re.MULTILINE)
    assert found, f"docs/OPERATIONS.md has no section {title}"
    return found[1]


POOLED = {
    "set: DATABASE_URL, ": "set: DATABASE_URL, DATABASE_URL_DIRECT, ",
    "DATABASE_URL itself": "DATABASE_URL_DIRECT: …",
}
"""What the output of doctor has in place of the document's, whose database has no pooler."""


@pytest.fixture
def settings(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings that lead to a new database behind PgBouncer."""
    empty = postgres.create_database("chores_test")
    with run_pgbouncer(postgres, tmp_path_factory.mktemp("pgbouncer")) as port:
        yield {"DATABASE_URL": pooled_dsn(port, "chores_test"), "DATABASE_URL_DIRECT": empty}
    postgres.drop_database("chores_test")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the parts of the repository that the commands need. They may create files in it."""
    lock_files = ("requirements.lock", "requirements-parquet.lock")
    for name in ("manage.py", "core", "functions", "sql", "docs", "Makefile", *lock_files):
        (tmp_path / name).symlink_to(ROOT / name)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    # A copy instead of a link, because Python finds packages by their real location.
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (programs / "python").chmod(0o755)
    (tmp_path / ".venv" / ".runtime").touch()
    lines = [(ROOT / "docs" / "samples" / f"{name}.json").read_bytes().replace(b"\n", b" ") for name in trace_names()]
    (tmp_path / "traces-of-the-engine.jsonl").write_bytes(b"\n".join(lines))
    return tmp_path


def test_each_command_of_the_chores_has_the_documented_effect(settings: dict[str, str], directory: Path) -> None:
    # Chores ends with `clear`; the deletions need something that they can match.
    again = (".venv/bin/python manage.py import traces-of-the-engine.jsonl", "")
    blocks = [*BLOCK.findall(read_section("Chores")), again, *BLOCK.findall(read_section("Delete"))]
    assert len(blocks) > 3
    secrets = {"THUNDER_APP_NAME": APP_NAME, "THUNDER_SECRET": "s" * 64, "THUNDER_ADMIN_KEY": ADMIN_KEY}
    for commands, shown in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=directory,
            env={"PATH": os.environ["PATH"], **settings, **secrets},
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        assert "s" * 64 not in done.stdout + done.stderr
        if shown:
            for direct, pooled in POOLED.items():
                shown = shown.replace(direct, pooled)  # noqa: PLW2901 - the same text
            pattern = re.escape(shown).replace("…", "[^\n]+")
            assert re.fullmatch(pattern, done.stdout), f"the document shows\n{shown}\nbut the output is\n{done.stdout}"
    left = {path.name for path in directory.iterdir()}
    assert {"requests.jsonl", "steps.parquet", "traces.jsonl.zst", "current_schema.sql"} <= left


def test_each_command_of_manage_py_is_in_the_table() -> None:
    printed = subprocess.run(
        [sys.executable, ROOT / "manage.py", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=COMMAND_SECONDS,
    ).stdout
    commands = set(re.findall(r"^  ([a-z]+) ", printed.partition("Commands:")[2], re.MULTILINE))
    described = set(re.findall(r"^\| `([a-z]+)", read_section("Chores"), re.MULTILINE))
    assert commands - {"run", "demo", "secret", "deploy"} <= described
