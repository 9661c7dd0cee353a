"""docs/PERFORMANCE.md: its table is one complete run of the benchmarks, and each benchmark is explained."""

import re

from tests.bench.all_cases import GROUPS
from tests.bench.report import BEGIN, END, HEADER
from tests.support.environment import ROOT

TEXT = (ROOT / "docs" / "PERFORMANCE.md").read_text(encoding="utf-8")
TABLE = TEXT.partition(BEGIN)[2].partition(END)[0]
ROWS = [line[2:-2].split(" | ") for line in TABLE.splitlines() if line.startswith("| ")]
CASES = [case for group in GROUPS for case in group.cases]


def test_the_table_has_each_case_once_and_in_order() -> None:
    assert [row[0] for row in ROWS[2:]] == [case.name for case in CASES]


def test_the_table_names_the_machine_and_the_versions() -> None:
    assert ROWS[0][: len(HEADER) - 1] == list(HEADER[:-1])
    assert re.search(r"^20\d\d-\d\d-\d\d, .+, \d+ cores, PostgreSQL 18.*, Python 3\.\d+", TABLE)


def test_each_target_is_the_measured_one() -> None:
    for row, case in zip(ROWS[2:], CASES, strict=True):
        assert row[7] == ("" if case.target is None else f"≤ {case.target:g}"), case.name


def test_each_floor_is_explained() -> None:
    assert [case.floor for case in CASES if case.floor not in TEXT] == []
