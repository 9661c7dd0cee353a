"""docs/SCALE.md: what follows from a measured trace is what its tables say."""

import re

from tests.docs.examples import ROOT

TEXT = (ROOT / "docs" / "SCALE.md").read_text(encoding="utf-8")
DAY = 86_400
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "million": 1e6, "billion": 1e9, "ms": 1e-3}
SPANS = {"years": 365 * DAY, "days": DAY, "hours": 3600}
RATES = (1, 100, 10_000)
PRICE = 0.35
FULL_CORE = 0.7
LARGEST_TABLE = 32 * 2**40
FREEZE_AT = 200_000_000
MAX_CONTAINERS, LARGEST_COMPUTE = 20, 56


def read(cell: str) -> float:
    """A number with its unit."""
    found = re.match(r"([\d. ]*\d) ?([a-zA-Z]*)", cell)
    assert found, cell
    return float(found[1].replace(" ", "")) * {**UNITS, **SPANS}.get(found[2], 1)


def read_table(heading: str) -> dict[str, list[float]]:
    table = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    return {row[0]: [read(cell) for cell in row[1:]] for row in rows}


ONE = {name: values[0] for name, values in read_table("What one trace takes").items()}
TABLE = read_table("What a rate takes")


def nearly(shown: float, expected: float) -> bool:
    return abs(shown - expected) <= 0.035 * expected


def test_each_row_is_the_rate_times_what_a_trace_takes() -> None:
    stored, server, database = ONE["stored, with indexes"], ONE["processor, Thunder"], ONE["processor, Postgres"]
    expected = {
        "stored a day": stored * DAY,
        "Neon's price for a day's traces, each month they are kept": stored * DAY / 1e9 * PRICE,
        "rows a day": ONE["rows"] * DAY,
        "written to the log a second": ONE["written to Postgres's log"],
        "cores of Thunder": server,
        "connections of Postgres in use, 20 ms a trace": 0.020,
        "cores of Postgres": database,
    }
    for name, one in expected.items():
        for shown, rate in zip(TABLE[name], RATES, strict=True):
            assert nearly(shown, one * rate), (name, shown, one * rate)


def test_containers_and_their_connections_follow_from_the_cores() -> None:
    containers = [max(1, -int(-ONE["processor, Thunder"] * rate / FULL_CORE // 1)) for rate in RATES]
    assert TABLE["containers of `ingest`, each a core used to 70 %"] == containers
    assert TABLE["connections to the pooler, 4 a container"] == [4 * count for count in containers]


def test_the_times_until_a_limit_follow_from_the_rate() -> None:
    documents = LARGEST_TABLE / ONE["of that, document and log"]
    for name, amount in (
        ("until the table of documents has 32 TB, Postgres's most", documents),
        ("until 200 million transactions, when Postgres freezes every table", FREEZE_AT),
    ):
        for shown, rate in zip(TABLE[name], RATES, strict=True):
            assert nearly(shown, amount / rate), (name, shown, amount / rate)


def test_the_rates_of_the_limits_follow_from_what_a_trace_takes() -> None:
    for rate, limit in (
        (MAX_CONTAINERS * FULL_CORE / ONE["processor, Thunder"], "20 containers"),
        (LARGEST_COMPUTE / ONE["processor, Postgres"], "the cores of the largest compute, 56"),
    ):
        shown = f"{rate:,.0f}".replace(",", " ")
        assert f"| {shown} a second | {limit}" in TEXT, (rate, limit)
