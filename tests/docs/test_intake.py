"""docs/INTAKE.md: each way in works with the printed lines."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.client import Client
from tests.support.environment import ROOT
from tests.support.keys import ADMIN_KEY
from tests.support.model_server import CONFIDENCE, run_model_server
from tests.support.recorders import await_rows

INTAKE = (ROOT / "docs" / "INTAKE.md").read_text(encoding="utf-8")
SUPPORT = ROOT / "tests" / "support"


def find_blocks(language: str, heading: str = "") -> list[str]:
    section = re.split(r"^## ", INTAKE[INTAKE.index(f"## {heading}") + 3 :], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section if heading else INTAKE, re.MULTILINE | re.DOTALL)


def read_environment(block: str, client: Client) -> dict[str, str]:
    lines = block.replace("$THUNDER", client.url).replace("$KEY", ADMIN_KEY).splitlines()
    return {**os.environ, **dict(line.split("=", 1) for line in lines)}


def run(command: list[str], environment: dict[str, str], folder: Path) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=folder, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("index", range(2))
def test_python_programs_run_as_printed(client: Client, tmp_path: Path, index: int) -> None:
    block = find_blocks("python")[index]
    thunder = {"THUNDER_URL": client.url, "THUNDER_KEY": ADMIN_KEY, "THUNDER_SPOOL": str(tmp_path / "spool")}
    with run_model_server() as model:
        openai = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "x", "PYTHONPATH": str(ROOT / "docs" / "recorder")}
        run([sys.executable, "-c", block], {**os.environ, **thunder, **openai}, tmp_path)
    (row,) = await_rows(client, 1)
    assert row["sequence_confidence"] is not None


def test_litellm_s_configuration_is_that_of_its_logger(client: Client, tmp_path: Path) -> None:
    (config,), (block,) = find_blocks("yaml", "LiteLLM"), find_blocks("env", "LiteLLM")
    assert yaml.safe_load(config) == {"litellm_settings": {"callbacks": ["generic_api"]}}
    environment = read_environment(block, client) | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with run_model_server() as model:
        run([sys.executable, str(SUPPORT / "litellm_calls.py"), model.url, "json_array"], environment, tmp_path)
    assert len(await_rows(client, 3)) == 3


def test_otel_s_environment_variables_reach_thunder(client: Client, tmp_path: Path) -> None:
    (block,) = find_blocks("env", "OpenTelemetry")
    with run_model_server() as model:
        command = [sys.executable, str(SUPPORT / "openinference_calls.py"), model.url]
        run(command, read_environment(block, client), tmp_path)
    scores = {row["model_id"]: row["sequence_confidence"] for row in await_rows(client, 3)}
    assert scores == {"whole": pytest.approx(CONFIDENCE), "streamed": pytest.approx(CONFIDENCE), "broken": None}


def test_vllm_s_flag_names_the_middleware(monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = find_blocks("console", "vLLM")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "recorder"))
    module, _, name = command.split("--middleware ")[1].strip().rpartition(".")
    middleware: Any = getattr(importlib.import_module(module), name)  # as vLLM's api_server.py loads it
    assert isinstance(middleware, type)
    assert callable(middleware(app=None).__call__)
