"""The parts of the benchmarks: traces that resemble recorded ones, correct arithmetic, an updated document."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest

from core.document.parse import parse_document
from core.pairing.scored_trace import score_trace
from tests.bench.all_cases import GROUPS
from tests.bench.case import Case
from tests.bench.measure import Check, Measured, alternate, percentile
from tests.bench.payload import PLACEHOLDER, build_trace, with_id
from tests.bench.report import BEGIN, END, make_line, write_document, write_number
from tests.bench.stage import new_id
from tests.bench.wire import add_host, encode

MACHINE = {"processor": "a machine", "cores": "2", "python": "3", "postgres": "18", "date": "2026-01-01"}


def load(tokens: int, seed: int = 0) -> dict[str, Any]:
    return json.loads(build_trace(tokens, seed=seed))


@pytest.mark.parametrize("tokens", [60, 300, 1800])
def test_a_built_trace_has_the_requested_number_of_tokens(tokens: int) -> None:
    trace = load(tokens)
    assert sum(event.get("added_token_count", 0) for event in trace["events"]) == tokens
    assert len(trace["request"]["final_token_ids"]) == tokens


@pytest.mark.parametrize("tokens", [60, 300, 1800])
def test_a_built_trace_is_stored_like_a_recorded_one(tokens: int) -> None:
    trace = score_trace(parse_document(build_trace(tokens)))
    assert len(trace.pairing.steps) == tokens
    assert max(trace.pairing.lists.sizes) == 20
    assert trace.sequence.sequence_confidence is not None
    assert trace.document.mod_calls
    assert trace.document.mod_logs
    assert {action.action_type for action in trace.pairing.actions} >= {"ForceTokens", "AdjustedLogits"}


def test_each_pass_has_twenty_sorted_tokens_and_passes_differ() -> None:
    lists = [event["top_tokens"] for event in load(1800)["events"] if event["event_type"] == "ForwardPass"]
    seen: set[tuple[float, ...]] = set()
    for top in lists:
        logprobs = [one["logprob"] for one in top]
        assert len(logprobs) == 20
        assert logprobs == sorted(logprobs, reverse=True)
        assert sum(map(math.exp, logprobs)) <= 1 + 1e-6
        seen.add(tuple(logprobs))
    assert len(seen) > 0.99 * len(lists)


def test_another_seed_gives_another_trace_of_the_same_shape() -> None:
    one, other = load(60, 1), load(60, 2)
    assert one != other
    assert [event["event_type"] for event in one["events"]] == [event["event_type"] for event in other["events"]]
    assert build_trace(60, seed=1) == build_trace(60, seed=1)


def test_replacing_an_id_moves_no_byte() -> None:
    body, name = build_trace(60), new_id()
    changed = with_id(body, name)
    assert len(name) == len(PLACEHOLDER)
    assert len(changed) == len(body)
    assert json.loads(changed)["request"]["request_id"] == name


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7], 0.95, 7),
        (list(range(1, 101)), 0.95, 95),
        ([3, 1, 2], 0.5, 2),
        ([1, 2], 0.95, 2),
        (list(range(1, 21)), 0.95, 19),
    ],
)
def test_the_percentile_is_a_measured_value(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_pairs_alternate_and_each_goes_first_equally_often() -> None:
    order: list[str] = []

    def note(name: str, seconds: "itertools.count[int]") -> float:
        order.append(name)
        return next(seconds)

    ours, floor = itertools.count(1), itertools.count(101)
    measured = alternate(lambda: note("ours", ours), lambda: note("floor", floor), n=4, warmup=1)
    assert measured.ours == [2000, 3000, 4000, 5000]
    assert measured.floor == [102_000, 103_000, 104_000, 105_000]
    assert order[2:] == ["floor", "ours", "ours", "floor"] * 2


@pytest.mark.parametrize(
    ("target", "checks", "verdict"),
    [
        (None, [], ""),
        (2.0, [], "ok"),
        (1.9, [], "over"),
        (2.0, [Check("said", ok=False)], "over"),
        (None, [Check("said", ok=True)], "ok"),
    ],
)
def test_a_case_is_judged_by_its_ratio_and_its_checks(target: float | None, checks: list[Check], verdict: str) -> None:
    measured = Measured([4.0, 2.0, 6.0], [1.0, 2.0, 3.0], checks=checks)
    line = make_line(Case("a case", "a floor", lambda _: measured, target), measured)
    assert (line.ratio, line.verdict) == (2.0, verdict)


def test_numbers_have_their_significant_digits() -> None:
    assert [write_number(one) for one in (0.01234, 1.5, 99.94, 100.4, 12_345.6)] == [
        "0.0123",
        "1.5",
        "99.9",
        "100",
        "12 346",
    ]


def test_the_table_replaces_only_the_marked_part_of_the_document(tmp_path: Path) -> None:
    path = tmp_path / "document.md"
    path.write_text(f"before\n{BEGIN}old\n{END}\nafter\n")
    measured = Measured([1.0], [0.5])
    line = make_line(Case("a case", "a floor", lambda _: measured), measured)
    for _ in range(2):
        write_document(path, [line], MACHINE)
        text = path.read_text()
        assert text.startswith(f"before\n{BEGIN}2026-01-01, a machine")
        assert text.endswith(f"|\n{END}\nafter\n")
        assert text.count("| a case | 1 | 1 ms | 1 ms |  | 0.5 ms | 2.00 |  |  |") == 1


def test_case_names_are_unique_and_each_case_describes_its_floor() -> None:
    cases = [case for group in GROUPS for case in group.cases]
    assert len({case.name for case in cases}) == len(cases)
    assert all(case.floor for case in cases)


def test_a_request_states_the_length_of_its_body() -> None:
    assert encode("POST", "/x", {"A": "b"}, b"{}") == b"POST /x HTTP/1.1\r\nA: b\r\nContent-Length: 2\r\n\r\n{}"
    assert b"Content-Length" not in encode("GET", "/x")


def test_a_request_names_its_host() -> None:
    assert add_host(encode("GET", "/x", {"A": "b"}), "http://127.0.0.1:99") == (
        b"GET /x HTTP/1.1\r\nHost: 127.0.0.1:99\r\nA: b\r\n\r\n"
    )
