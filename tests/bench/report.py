"""Write the results to the terminal, as JSON, and to docs/PERFORMANCE.md."""

import os
import platform
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from tests.bench.case import Case
from tests.bench.measure import Measured

BEGIN, END = "<!-- make bench writes this -->\n", "<!-- to here -->"
HEADER = ("case", "n", "median", "p95", "a second", "floor", "ratio", "target", "")


@dataclass(frozen=True)
class Line:
    """A case of the table. The fastest values are only in the JSON."""

    name: str
    unit: str
    n: int
    median: float
    p95: float
    per_second: float | None
    best: float
    floor: float
    floor_best: float
    ratio: float
    target: float | None
    verdict: str
    notes: list[str]

    def cells(self) -> list[str]:
        """Return the cells of the line as text."""
        return [
            self.name,
            str(self.n),
            f"{write_number(self.median)} {self.unit}",
            f"{write_number(self.p95)} {self.unit}",
            "" if self.per_second is None else write_number(self.per_second),
            f"{write_number(self.floor)} {self.unit}",
            f"{self.ratio:.2f}",
            "" if self.target is None else f"≤ {self.target:g}",
            "; ".join([self.verdict, *self.notes] if self.verdict else self.notes),
        ]


def make_line(case: Case[Any], measured: Measured) -> Line:
    """Judge a case: `ok`, or `over` if it misses its target or an additional requirement."""
    asked = [check.ok for check in measured.checks]
    if case.target is not None:
        asked.append(measured.ratio <= case.target)
    return Line(
        name=case.name,
        unit=case.unit,
        n=len(measured.ours),
        median=measured.median,
        p95=measured.p95,
        per_second=measured.per_second,
        best=min(measured.ours),
        floor=measured.floor_median,
        floor_best=min(measured.floor),
        ratio=measured.ratio,
        target=case.target,
        verdict="" if not asked else "ok" if all(asked) else "over",
        notes=[*(check.text for check in measured.checks), *measured.notes],
    )


def write_number(value: float) -> str:
    """Format a number with three significant digits."""
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.3g}"


def write_row(cells: list[str]) -> str:
    """Format a line for the terminal."""
    name, *numbers, verdict = cells
    return f"{name:<46} " + " ".join(f"{cell:>10}" for cell in numbers) + f"  {verdict}"


def describe_machine(postgres: str) -> dict[str, str]:
    """Describe the machine of the measurement."""
    cpu = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return {
        "processor": cpu[1] if cpu else platform.processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "postgres": postgres,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def write_json(path: Path, lines: list[Line], machine: dict[str, str], *, quick: bool) -> None:
    """Write everything as JSON."""
    content = {"machine": machine, "quick": quick, "lines": [asdict(line) for line in lines]}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def write_document(path: Path, lines: list[Line], machine: dict[str, str]) -> None:
    """Replace the table between the two marks of the document."""
    place = ", ".join(
        [
            machine["processor"],
            f"{machine['cores']} cores",
            f"PostgreSQL {machine['postgres']}",
            f"Python {machine['python']}",
        ]
    )
    rows = [
        "| " + " | ".join(cells) + " |"
        for cells in [list(HEADER), ["---"] * len(HEADER), *(one.cells() for one in lines)]
    ]
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    table = "\n".join([f"{machine['date']}, {place}.", "", *rows, ""])
    path.write_text(before + BEGIN + table + END + rest.partition(END)[2], encoding="utf-8")
