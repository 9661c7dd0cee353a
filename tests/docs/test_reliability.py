"""The table of faults in docs/RELIABILITY.md lists each test with its number of runs."""

import ast
import re

from tests.faults import test_clock, test_connections, test_disk, test_killed, test_run_restarts
from tests.support.environment import ROOT

ROW = re.compile(r"^\| [^|]+ \| (\d+) \| [^|]+ \| ([^|]+) \| `(test_\w+)` \|$", re.MULTILINE)
TEXT = (ROOT / "docs" / "RELIABILITY.md").read_text(encoding="utf-8")
TIMES = {
    "test_500_acknowledged_traces_survive_random_kills": 2 * test_killed.LEAST_KILLS,
    "test_postgres_killed_during_an_ingest": test_killed.KILLS,
    "test_killed_while_a_trace_is_being_stored": len(test_killed.VICTIMS),
    "test_killed_between_the_commit_and_the_answer": len(test_killed.VICTIMS),
    "test_server_killed_after_a_lost_answer": test_killed.LOST_ANSWERS,
    "test_acknowledged_lines_of_a_batch_are_stored": 1,
    "test_a_long_outage_ends_when_postgres_is_back": 1,
    "test_connections_closed_while_idle_cost_no_request": len(test_connections.CUTS) * test_connections.POOL_SIZE,
    "test_an_exhausted_pool_answers_503_and_recovers": test_connections.REFUSED,
    "test_a_postgres_that_hangs_is_answered_for_before_the_engine_gives_up": 1,
    "test_a_slow_network_that_drops_connections": len(test_connections.PLACES) * test_connections.REQUESTS,
    "test_a_full_disk_rejects_traces_and_loses_none": test_disk.REFUSED,
    "test_make_run_restarts_a_stopped_postgres_once_there_is_space": 1,
    "test_make_run_restarts_its_postgres_and_the_server_continues": len(test_run_restarts.KILLS),
    "test_a_killed_session_does_not_stop_the_server": 1,
    "test_clock_jumps_lose_nothing_and_change_no_order": len(test_clock.JUMPS),
    "test_a_key_expires_by_the_clock_of_the_database": len(test_clock.KEY_JUMPS),
    "test_the_clock_of_an_engine_may_have_any_value": len(test_clock.MOMENTS),
}


def list_tests(directory: str) -> set[str]:
    """Return the tests of a directory, read from their files."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests" / directory).glob("test_*.py"))
    names = (node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef))
    return {name for name in names if name.startswith("test_")}


def test_each_fault_is_listed_with_its_number_of_runs() -> None:
    rows = ROW.findall(TEXT)
    assert {name: int(times) for times, _, name in rows} == TIMES
    assert len(rows) == len(TIMES)
    assert {lost for _, lost, _ in rows} == {"nothing"}


def test_each_fault_test_is_listed() -> None:
    faults, attacks = TEXT.split("## Hostile clients")
    listed = re.compile(r"`(test_\w+)`")
    assert list_tests("faults") == set(listed.findall(faults)) | (set(listed.findall(attacks)) - list_tests("http"))


def test_the_numbers_in_the_text_equal_those_in_the_tests() -> None:
    assert f"during {test_killed.TRACES} traces" in TEXT
    assert f"a batch of {test_killed.BATCH_LINES} lines" in TEXT
    assert f"unavailable for over {test_killed.OUTAGE_SECONDS} s" in TEXT
