"""What a function imports when it starts, because its first caller waits for that."""

import subprocess
import sys

import pytest

from tests.support.environment import ROOT


@pytest.mark.parametrize(
    ("function", "heavy"),
    [
        *((function, set[str]()) for function in ("health", "mods", "outcomes")),
        *((function, {"numpy"}) for function in ("ingest", "logs", "score", "confidence")),
    ],
)
def test_functions_import_no_statistics_when_they_start(function: str, heavy: set[str]) -> None:
    """Functions without scores do not import numpy either."""
    code = f"import sys, functions.{function}; print(*sys.modules)"
    assert {"numpy", "scipy", "pyarrow", "tqdm", "modal"} & set(run(code).split()) == heavy


def test_the_first_answer_does_not_wait_for_prometheus() -> None:
    code = "import sys; from functions.deployed import build_endpoint; build_endpoint('logs');"
    code += "print('prometheus_client' in sys.modules)"
    assert run(code) == "False"


def test_api_imports_all_endpoints_before_its_application_is_created() -> None:
    code = (
        "import sys, functions.api; before = set(sys.modules); functions.api.web();"
        "print(sorted(name for name in set(sys.modules) - before if name.startswith(('core', 'functions', 'psycopg'))))"
    )
    assert run(code) == "[]"


@pytest.mark.parametrize(
    ("function", "later"),
    [
        ("api", "scipy.stats"),
        ("calibrators", "scipy.optimize"),
        ("calibrators", "scipy.special"),
        ("confidence", "scipy.stats"),
        ("health", "prometheus_client"),
        ("log_group", "core.previews.image"),
        ("log_group", "functions.web.heavy"),
    ],
)
def test_the_snapshot_contains_the_application_and_what_it_imports_late(function: str, later: str) -> None:
    code = (
        f"import sys; from functions.deployed import {function}; before = set(sys.modules); first = {function}();"
        f"print({later!r} in before, set(sys.modules) - before, first is {function}(), len(first.routes) > 0)"
    )
    assert run(code) == "True set() True True"


def test_the_snapshot_of_a_function_without_statistics_is_small() -> None:
    code = "import sys; from functions.deployed import ingest; print('scipy' in sys.modules)"
    assert run(code) == "False"


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
