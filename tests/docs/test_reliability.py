"""The table of faults in docs/RELIABILITY.md lists each test with its number of runs."""

import ast
import re

from tests.faults import test_clock, test_connections, test_disk, test_killed, test_run_restarts
from tests.support.environment import ROOT

ROW = re.compile(r"^\| [^|]+ \| (\d+) \| [^|]+ \| ([^|]+) \| `(test_\w+)` \|$", re.MULTILINE)
TEXT = (ROOT / "docs" / "RELIABILITY.md").read_text(encoding="utf-8")
TIMES = {
    "test_500_acknowledged_traces_under_random_kills": 2 * test_killed.LEAST_KILLS,
    "test_postgres_killed_in_mid_ingest": test_killed.KILLS,
    "test_killed_with_the_answer_on_its_way": len(test_killed.VICTIMS) * len(test_killed.MOMENTS),
    "test_server_killed_after_it_answered_and_the_answer_lost": test_killed.LOST_ANSWERS,
    "test_lines_of_a_batch_that_were_acknowledged_are_there": 1,
    "test_a_long_outage_is_over_when_postgres_is_back": 1,
    "test_connections_cut_while_idle_cost_no_request": len(test_connections.CUTS) * test_connections.POOL_SIZE,
    "test_an_exhausted_pool_answers_503_and_serves_again_once_it_is_free": test_connections.REFUSED,
    "test_a_postgres_that_hangs_is_answered_for_while_the_engine_still_listens": 1,
    "test_a_slow_network_that_drops_connections": len(test_connections.PLACES) * test_connections.REQUESTS,
    "test_a_full_disk_refuses_traces_and_harms_none": test_disk.REFUSED,
    "test_where_postgres_itself_stops_make_run_starts_it_again_once_there_is_room": 1,
    "test_its_postgres_is_started_again_and_the_same_server_goes_on": len(test_run_restarts.KILLS),
    "test_a_session_that_is_killed_brings_nobody_down": 1,
    "test_nothing_is_lost_or_told_wrong_when_the_clock_jumps": len(test_clock.JUMPS),
    "test_a_key_lives_by_the_database_s_clock": len(test_clock.KEY_JUMPS),
    "test_an_engine_s_clock_may_say_anything": len(test_clock.MOMENTS),
}


def list_tests() -> set[str]:
    """Return the fault tests, read from their files."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests" / "faults").glob("test_*.py"))
    names = (node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef))
    return {name for name in names if name.startswith("test_")}


def test_each_fault_is_listed_with_its_number_of_runs() -> None:
    rows = ROW.findall(TEXT)
    assert {name: int(times) for times, _, name in rows} == TIMES
    assert len(rows) == len(TIMES)
    assert {lost for _, lost, _ in rows} == {"nothing"}


def test_each_fault_test_is_listed() -> None:
    assert list_tests() == set(re.findall(r"`(test_\w+)`", TEXT))


def test_the_numbers_in_the_text_equal_those_in_the_tests() -> None:
    assert f"during {test_killed.TRACES} traces" in TEXT
    assert f"a batch of {test_killed.BATCH_LINES} lines" in TEXT
    assert f"unavailable for over {test_killed.OUTAGE_SECONDS} s" in TEXT
