"""The worked example of docs/QUOTE.md has the numbers that Thunder returns."""

import re

import pytest

from tests.support.client import Client
from tests.support.documents import load_trace
from tests.support.environment import ROOT

ROW = re.compile(
    r"^\| (\d+) \| (\d+) \| `([^`]+)` \| (\w*) ?\| ([\d.]+|null) \| ([\d.]+|null) \| ([\d.]+) \|$", re.MULTILINE
)
SHOWN_TO = 0.0005
"""The document shows three decimals."""


def test_the_steps_of_the_worked_example_equal_the_log(client: Client) -> None:
    client.ingest(load_trace("backtrack"))
    steps = client.log("smollm2-backtrack")["steps"]
    rows = ROW.findall((ROOT / "docs" / "QUOTE.md").read_text(encoding="utf-8"))
    assert len(rows) == 12
    for index, generation_step, text, mark, *scores in rows:
        step = steps[int(index)]
        assert (step["generation_step"], step["token_text"]) == (int(generation_step), text)
        assert [name for name in ("forced", "discarded") if step[name]] == [mark] * bool(mark)
        for name, shown in zip(("prob", "surprisal", "cum_nll"), scores, strict=True):
            assert step[name] == (None if shown == "null" else pytest.approx(float(shown), abs=SHOWN_TO)), (index, name)
