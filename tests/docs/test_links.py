"""The targets of references in documents exist: files, headings, make targets, the lines that `make run` prints."""

import re
from pathlib import Path

import pytest

from core.cli.banner import write_banner, write_link
from tests.support.environment import ROOT

NAMES = ("README.md", "CHANGELOG.md", "sql/README.md")
DOCUMENTS = sorted([*(ROOT / name for name in NAMES), *(ROOT / "docs").rglob("*.md")])
MAX_LINE = 120
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FILE = re.compile(r"`((?:core|functions|sql|tests|docs)/[\w./-]+(?:\.\w+|/))`")
MAKE = re.compile(r"`make ([a-z-]+)`|^make ([a-z-]+)(?= *(?:#|$))", re.MULTILINE)


def name_anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_has_a_target(path: Path) -> None:
    for target, anchor in LINK.findall(path.read_text(encoding="utf-8")):
        file = path.parent / target if target else path
        assert file.exists(), f"{path.name} links to {target}"
        if anchor:
            headings = HEADING.findall(file.read_text(encoding="utf-8"))
            assert anchor in map(name_anchor, headings), f"{path.name} links to {target}#{anchor}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_named_file_exists(path: Path) -> None:
    named = FILE.findall(path.read_text(encoding="utf-8"))
    assert [one for one in named if not (ROOT / one).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_make_target_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {one or other for one, other in MAKE.findall(path.read_text(encoding="utf-8"))}
    assert named <= targets, f"{path.name} names {named - targets}"


def test_lines_have_at_most_the_length_in_the_rules_of_style() -> None:
    for path in DOCUMENTS:
        prose = re.sub(r"^ *```.*?^ *```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        lines = [line for line in prose.splitlines() if not line.lstrip().startswith("|")]
        assert [line for line in lines if len(line) > MAX_LINE] == [], path.name


def test_the_readme_shows_the_output_of_make_run() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    url = "http://127.0.0.1:6767"
    printed = write_banner(
        url, admin_key="ck_…", ingest_open=True, database="PostgreSQL in .thunder", link=write_link(url, "…")
    )
    assert printed.strip() in readme
