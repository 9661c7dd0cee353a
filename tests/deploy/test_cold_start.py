"""What a function imports when it starts is what its first caller waits for."""

import subprocess
import sys

import pytest

from tests.support.environment import ROOT


@pytest.mark.parametrize("function", ["ingest", "logs", "health", "mods", "outcomes", "score", "confidence"])
def test_no_function_pays_for_statistics_when_it_starts(function: str) -> None:
    heavy = "{'scipy', 'pyarrow', 'tqdm', 'modal'}"
    code = f"import sys, functions.{function}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("function", ["health", "mods"])
def test_a_function_that_scores_nothing_does_without_numpy(function: str) -> None:
    code = f"import sys, functions.{function}; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_function_s_first_answer_does_not_wait_for_prometheus() -> None:
    code = "import sys, functions.logs; functions.logs.web(); print('prometheus_client' in sys.modules)"
    assert run(code) == "False"


def test_api_has_imported_every_endpoint_before_it_is_asked_for_its_application() -> None:
    code = (
        "import sys, functions.api; before = set(sys.modules); functions.api.web();"
        "print(sorted(name for name in set(sys.modules) - before if name.startswith(('core', 'functions', 'psycopg'))))"
    )
    assert run(code) == "[]"


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
