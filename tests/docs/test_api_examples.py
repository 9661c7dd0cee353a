"""Each command of the documents runs and gives the printed answer; the tables name each field of the answers."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from pydantic import BaseModel

from core.access.keys import KeyChange, NewKey
from core.alerts.rules import NewAlert
from core.document.schema import Action, Event, ModCall, ModLog, Request, TraceDocument
from tests.support.client import Client
from tests.support.environment import ROOT
from tests.support.examples import Example, Table, find_difference, read_examples, read_tables, select

API = (ROOT / "docs" / "API.md").read_text(encoding="utf-8")
WITH_EXAMPLES = ["README.md", "docs/API.md", "docs/QUOTE.md", "docs/INTAKE.md"]
BASH_SECONDS = 60
BODIES: dict[str, type[BaseModel | msgspec.Struct]] = {
    "document": TraceDocument,
    "request": Request,
    "events[]": Event,
    "mod_calls[]": ModCall,
    "mod_logs[]": ModLog,
    "actions[]": Action,
    "POST /v1/alerts": NewAlert,
    "POST /auth/keys": NewKey,
    "PUT /auth/keys": KeyChange,
}


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are curl commands, and there is no curl here")
@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_each_example_gives_the_documented_answer(name: str, client: Client, tmp_path: Path) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    examples = read_examples(text)
    assert text.count("```sh\n") == len(examples) > 0, "a sh block contains one command and ends in `# → <status>`"
    # The status goes to stderr, so that a command may pipe its answer on, or use the answer of a nested call.
    (tmp_path / ".curlrc").write_text('write-out = "%{stderr}%{http_code}"\n')
    for example in examples:
        answer = run(example, client, tmp_path)
        if example.answer is not None:
            assert find_difference(json.loads(example.answer), json.loads(answer)) is None, example.command
        for table in example.tables:
            check_fields(table, json.loads(answer))


def run(example: Example, client: Client, home: Path) -> str:
    command = example.command.replace("http://127.0.0.1:6767", client.url).replace("ck_…", client.key)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.replace(".venv/bin/python", sys.executable)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "CURL_HOME": str(home), "THUNDER": client.url, "KEY": client.key},
        capture_output=True,
        text=True,
        check=False,
        timeout=BASH_SECONDS,
    )
    failed = f"{command}\n{done.stderr}\n{done.stdout[:2000]}"
    assert (done.returncode, done.stderr[-3:]) == (0, str(example.status)), failed
    assert re.fullmatch(r"(\d{3})+", done.stderr), failed
    return done.stdout


def check_fields(table: Table, answer: object) -> None:
    found = select(answer, table.path)
    assert found, f"the example's answer has nothing at {table.path}"
    for one in found:
        differing = one.keys() ^ table.second.keys()
        assert not differing, f"only the table or only the answer has {differing} at {table.path or 'the top'}"


@pytest.mark.parametrize("path", BODIES)
def test_the_tables_list_all_keys_and_which_are_required(path: str) -> None:
    (table,) = [one for one in read_tables(API, "key") if one.path == path]
    assert table.second == {name: "yes" if required else "no" for name, required in list_fields(BODIES[path])}


def list_fields(model: type[BaseModel | msgspec.Struct]) -> list[tuple[str, bool]]:
    """Return the keys of a body, and whether each is required."""
    if issubclass(model, msgspec.Struct):
        return [(one.name, one.required) for one in msgspec.structs.fields(model)]
    return [(name, one.is_required()) for name, one in model.model_fields.items()]


def test_each_path_is_described(client: Client) -> None:
    paths = client.request("GET", "/openapi.json").json["paths"]
    missing = [path for path in paths if path not in API]
    assert not missing, f"docs/API.md does not describe {missing}"
