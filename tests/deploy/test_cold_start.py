"""What a function imports when it starts, because its first caller waits for that."""

import subprocess
import sys

from functions.api import ENDPOINTS
from tests.support.environment import ROOT

FORK = """
import fastapi, os, psycopg, psycopg_pool, sys

for code in sys.argv[1:]:
    child = os.fork()
    if not child:
        exec(code, {})
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, code
"""
"""Runs each program in a process of its own. They share what every function imports, which takes most of the time."""


def run(*programs: str) -> list[str]:
    """Run programs that print one line each."""
    command = [sys.executable, "-c", FORK, *programs]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_functions_import_no_statistics_when_they_start() -> None:
    """Functions without scores do not import numpy either."""
    scoring = {"ingest", "logs", "score", "confidence", "calibrators", "collections", "share"}
    names = [endpoint.__name__.rpartition(".")[2] for endpoint in ENDPOINTS]
    heavy = {name: {"numpy"} if name in scoring else set[str]() for name in names}
    imported = run(*(f"import sys, functions.{name}; print(*sys.modules)" for name in heavy))
    checked = {"numpy", "scipy", "pyarrow", "tqdm", "modal"}
    assert dict(zip(heavy, (checked & set(one.split()) for one in imported), strict=True)) == heavy


def test_the_first_answer_does_not_wait_for_prometheus() -> None:
    code = "import sys; from functions.deployed import build_endpoint; build_endpoint('logs');"
    code += "print('prometheus_client' in sys.modules)"
    assert run(code) == ["False"]


def test_api_imports_all_endpoints_before_its_application_is_created() -> None:
    code = (
        "import sys, functions.api; before = set(sys.modules); functions.api.web();"
        "print(sorted(name for name in set(sys.modules) - before if name.startswith(('core', 'functions', 'psycopg'))))"
    )
    assert run(code) == ["[]"]


def test_the_snapshot_contains_the_application_and_what_it_imports_late() -> None:
    late = {
        "api": ["scipy.stats"],
        "calibrators": ["scipy.optimize", "scipy.special"],
        "confidence": ["scipy.stats"],
        "health": ["prometheus_client"],
        "log_group": ["core.previews.image", "functions.web.heavy"],
    }
    codes = (
        f"import sys; from functions.deployed import {name}; before = set(sys.modules); first = {name}();"
        f"print(set({later}) - before, set(sys.modules) - before, first is {name}(), len(first.routes) > 0)"
        for name, later in late.items()
    )
    assert run(*codes) == ["set() set() True True"] * len(late)


def test_the_snapshot_of_a_function_without_statistics_is_small() -> None:
    code = "import sys; from functions.deployed import ingest; print('scipy' in sys.modules)"
    assert run(code) == ["False"]
