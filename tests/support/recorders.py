"""Helpers for tests of the recorder."""

import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from openai import OpenAI

from tests.support.client import Client
from tests.support.environment import ROOT
from tests.support.model_server import ModelServer

sys.path.insert(0, str(ROOT / "docs" / "recorder"))


thunder_recorder: Any = import_module("thunder_recorder")
MESSAGES: Any = [{"role": "user", "content": "Capital?"}]
PATIENCE_S = 20


def await_rows(client: Client, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        rows = client.get("/logs?limit=100").json["data"]
        if len(rows) >= count:
            return rows
        time.sleep(0.05)
    raise AssertionError(f"{len(rows)} of {count} answers arrived")


OPENED: list[OpenAI] = []


def open_unrecorded(model: ModelServer) -> OpenAI:
    OPENED.append(OpenAI(base_url=model.url, api_key="x", max_retries=0))
    return OPENED[-1]


def open_client(model: ModelServer, thunder: str, spool: Path) -> Any:
    return thunder_recorder.record(open_unrecorded(model), url=thunder, spool=spool)
