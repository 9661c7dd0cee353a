"""Dockerfile and compose.yaml. There is no Docker engine here, so the files are parsed, and the commands of the
Dockerfile run in a clean directory that contains only what it copies, and only the packages that it installs."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import venv
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from functions.client.demo import list_reads
from tests.support.environment import ROOT
from tests.support.locks import read_lock

ENGINE_ONLY = ("apt-get", "useradd")
"""Commands that change the Debian they run on."""
SECONDS = 60
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Step:
    instruction: str
    text: str


def read_dockerfile() -> list[Step]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [Step(*line.split(maxsplit=1)) for line in lines]


STEPS = read_dockerfile()


def find_sources(step: Step) -> tuple[list[str], str]:
    *sources, target = [word for word in step.text.split() if not word.startswith("--")]
    return sources, target


def test_copied_files_exist_and_are_not_ignored() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for step in STEPS if step.instruction == "COPY" for source in find_sources(step)[0]}
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_the_shell_of_each_step_parses() -> None:
    for step in STEPS:
        if step.instruction == "RUN":
            subprocess.run(["bash", "-n", "-c", step.text], check=True)


def test_the_commands_of_the_dockerfile_serve_in_a_clean_directory(database_url: str, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    for step in STEPS:
        match step.instruction:
            case "COPY":
                sources, target = find_sources(step)
                for source in sources:
                    copy(source, tmp_path / target)
            case "RUN" if not any(word in step.text for word in ENGINE_ONLY):
                install(tmp_path)
                command = ["bash", "-c", step.text]
                done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
                assert (done.returncode, done.stderr.decode()) == (0, "")
            case "ENV":
                name, _, value = step.text.partition("=")
                environment[name] = value
            case _:
                pass
    assert environment["APP_HOST"] == "0.0.0.0"
    # The test serves on loopback.
    settings = {"DATABASE_URL": database_url, "THUNDER_ADMIN_KEY": "", "THUNDER_SECRET": ""}
    serve_and_ask(tmp_path, {**environment, **settings, "APP_HOST": "127.0.0.1", "APP_PORT": "0"})


def install(directory: Path) -> None:
    """Do what `make .venv/.runtime` does, with links to the packages of this Python, so that `make` has nothing to do.

    pip would take a minute. The tests' own .venv was installed with the same command and the same lock file.
    """
    virtual = directory / ".venv"
    venv.create(virtual, symlinks=True)
    (packages,) = virtual.glob("lib/python*/site-packages")
    for name in read_lock("requirements.lock"):
        with contextlib.suppress(PackageNotFoundError):  # other systems and versions of Python need it
            for file in distribution(name).files or ():
                if ".." not in file.parts and (source := Path(str(file.locate()))).exists():
                    target = packages / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.symlink_to(source)
    (virtual / ".runtime").touch()


def copy(source: str, target: Path) -> None:
    if (ROOT / source).is_dir():
        shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, target)


def test_the_image_contains_the_traces_of_the_demo(tmp_path: Path) -> None:
    for step in STEPS:
        if step.instruction == "COPY":
            sources, target = find_sources(step)
            for source in sources:
                copy(source, tmp_path / target)
    code = "from functions.client.demo import list_reads; print(len(list_reads()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(len(list_reads())), done.stderr


def serve_and_ask(directory: Path, environment: dict[str, str]) -> None:
    (command,) = [json.loads(step.text) for step in STEPS if step.instruction == "CMD"]
    with subprocess.Popen(
        command, cwd=directory, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            printed = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)
            url = next(filter(None, printed), None)
            assert url, "the server did not start"
            health = urllib3.request("GET", f"{url[0]}/healthz", timeout=SECONDS)
            assert (health.status, health.json()["database"]["status"]) == (200, "ok")
            assert urllib3.request("GET", f"{url[0]}/logs", timeout=SECONDS).status == 401
            for path in ("/", "/viewer/app.js"):
                assert urllib3.request("GET", f"{url[0]}{path}", timeout=SECONDS).status == 200
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def test_compose_starts_a_postgres_and_thunder_on_loopback() -> None:
    postgres, thunder = COMPOSE["services"]["postgres"], COMPOSE["services"]["thunder"]
    assert set(COMPOSE["services"]) == {"postgres", "thunder"}
    assert thunder["ports"] == ["127.0.0.1:6767:6767"]
    assert postgres["ports"] == ["127.0.0.1:${POSTGRES_PORT:-5432}:5432"]
    assert [service["restart"] for service in (postgres, thunder)] == ["unless-stopped"] * 2
    assert (postgres["environment"]["POSTGRES_USER"], postgres["environment"]["POSTGRES_DB"]) == ("postgres", "thunder")
    assert thunder["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert postgres["image"] == "postgres:18"
    assert set(COMPOSE["volumes"]) == {"postgres", "thunder"}
    assert thunder["volumes"] == ["thunder:/srv/thunder/.thunder"], "the volume keeps generated keys"


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_URL_DIRECT"])
def test_compose_names_one_database_on_both_sides(name: str) -> None:
    postgres, thunder = (COMPOSE["services"][service]["environment"] for service in ("postgres", "thunder"))
    user, password, database = (postgres[f"POSTGRES_{part}"] for part in ("USER", "PASSWORD", "DB"))
    assert thunder[name] == f"postgresql://{user}:{password}@postgres:5432/{database}"
    for secret in ("THUNDER_ADMIN_KEY", "THUNDER_SECRET"):
        assert thunder[secret] == f"${{{secret}:-}}", "an empty value is not a key, so that one is generated"
