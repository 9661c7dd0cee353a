"""`make deploy`: check the database, deploy, and test the deployed app. Modal runs as a separate command."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.deploy.layout import explain_refusal
from core.deploy.names import DEFAULT_SECRET_NAME, Deployment
from core.errors import ThunderError
from core.settings import DEFAULT_APP_NAME
from core.wire.http_call import NoAnswerError, call

ROOT = Path(__file__).parents[2]
PRODUCTION = "production"
SMOKE_SECONDS = 120
"""How long the first container may take to start."""
CALL_SECONDS = 30
FIND_URL = "from modal import Function; import sys; print(Function.from_name(sys.argv[1], 'api').get_web_url())"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")


class RolloutError(ThunderError):
    """A step of the deploy failed; the message names the step and the remedy."""


def name_deployment(environment: str) -> Deployment:
    """Return the app and the secret of an environment. Except for `production`, both names end with `-ENVIRONMENT`.

    Raises:
        RolloutError: the name of the environment is not valid.
    """
    if not _NAME.fullmatch(environment):
        raise RolloutError(f"ENV={environment}: not a valid name; use lower-case letters, digits and dashes")
    if environment.rsplit("-", maxsplit=1)[-1] == "chores":
        raise RolloutError(f"ENV={environment}: names that end in chores are reserved; use another name")
    tail = "" if environment == PRODUCTION else f"-{environment}"
    return Deployment(f"{DEFAULT_APP_NAME}{tail}", f"{DEFAULT_SECRET_NAME}{tail}")


def roll_out(environment: str, *, migrates: bool, url: str | None, say: Callable[[str], object]) -> None:
    """Deploy an environment: check the database, deploy the app, and test it.

    Args:
        environment: `staging`, `production` or another name.
        migrates: apply pending migrations first, instead of failing because of them.
        url: the URL of the deployed app; None asks Modal.
        say: called with a line for each step.

    Raises:
        RolloutError: a step failed. Nothing was deployed unless the message says so.
    """
    deployment = name_deployment(environment)
    variables = {"MODAL_APP_NAME": deployment.app_name, "MODAL_SECRET_NAME": deployment.secret_name}
    say(f"{environment}: the app {deployment.app_name} with the secret {deployment.secret_name}")
    if migrates:
        say("1/4  migrate")
        _run_modal(["run", "chores.py::migrate"], variables, "the database was not migrated")
    say("2/4  check the database")
    advice = f"for pending migrations, run make deploy ENV={environment} MIGRATE=1"
    _run_modal(["run", "chores.py::status"], variables, f"the database is not ready; {advice}")
    say("3/4  deploy")
    _run_modal(["deploy", "deploy.py"], variables, "nothing was deployed", explain=explain_refusal)
    say("4/4  test the app")
    smoke((url or _find_url(deployment.app_name, variables)).rstrip("/"), app_name=deployment.app_name, say=say)


def smoke(url: str, *, app_name: str, say: Callable[[str], object]) -> None:
    """Test the deployed app: it is healthy, it is the right app, and it requires a key.

    Raises:
        RolloutError: the app is online but fails a test. The previous version can be deployed again.
    """
    deadline = time.monotonic() + SMOKE_SECONDS
    status, body = _call(f"{url}/healthz")
    while status != 200 and time.monotonic() < deadline:
        time.sleep(1)
        status, body = _call(f"{url}/healthz")
    if status != 200 or body.get("app") != app_name:
        raise RolloutError(f"deployed, but {url}/healthz answers {status}: {json.dumps(body)}")
    refused, _ = _call(f"{url}/logs")
    if refused != 401:
        raise RolloutError(f"deployed, but {url}/logs answers {refused} without a key instead of 401")
    say(f"{app_name} answers at {url}")


def _run_modal(
    arguments: list[str],
    variables: Mapping[str, str],
    problem: str,
    *,
    explain: Callable[[str], str | None] = lambda _: None,
) -> None:
    """Run Modal's command, and pass on its output. `explain` may find the remedy in the output of a failure."""
    command = [sys.executable, "-m", "modal", *arguments]
    environ = {**os.environ, **variables}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    lines: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, env=environ, **pipes) as process:  # noqa: S603 - ours
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line)
    if process.returncode:
        remedy = explain("".join(lines))
        raise RolloutError(f"{problem}. {remedy}" if remedy else problem)


def _find_url(app_name: str, variables: Mapping[str, str]) -> str:
    command = [sys.executable, "-c", FIND_URL, app_name]
    environ = {**os.environ, **variables}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RolloutError(f"deployed, but Modal does not say where {app_name}'s api is: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


def _call(url: str) -> tuple[int, Any]:
    """Return the status and the JSON of an answer, or 0 and the error if there is no answer."""
    try:
        answer = call("GET", url, timeout_s=CALL_SECONDS)
    except NoAnswerError as error:
        return 0, {"error": str(error)}
    return answer.status, answer.content if isinstance(answer.content, dict) else {}
