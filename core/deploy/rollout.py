"""`make deploy`: check the database, deploy the app, test it, and create the first admin key.

Modal runs as a separate command.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from core.access.secret import NO_ADMIN_KEY, PROBLEMS
from core.database.migrations import PENDING
from core.deploy.capacity import find_pool
from core.deploy.commit import SHORT, Commit, find_commit
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
NOT_MIGRATED = "database: not migrated; see the error above"
NOT_READY = "database: not ready, so nothing was deployed; see the error above"
NOTHING_DEPLOYED = "deploy: nothing was deployed; see the error above"
NO_KEY_MADE = "admin key: not created, although the app is deployed; see the error above"
PROBE = "no-such-path"
"""A path that no function serves. The error shows that the function has started."""
FIND_URLS = """
import json, modal
from deploy import DEPLOYMENT, FUNCTIONS
print(json.dumps({name: modal.Function.from_name(DEPLOYMENT.app_name, name).get_web_url() for name in FUNCTIONS}))
"""
"""Prints the URLs of the web functions. It has no arguments, so deploy.py chooses the layout of `modal deploy`."""

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


def roll_out(
    environment: str, *, migrates: bool, url: str | None, key_file: Path | None, say: Callable[[str], object]
) -> None:
    """Deploy an environment: check the database, deploy the app, test it, and create the first admin key.

    Args:
        environment: `staging`, `production` or another name.
        migrates: apply pending migrations first, instead of failing because of them.
        key_file: the new file for the first admin key; None prints it.
        url: the URL of the deployed `api`; None asks Modal for the URLs of all functions.
        say: called with a line for each step.

    Raises:
        RolloutError: a step failed. Nothing was deployed unless the message states it.
    """
    deployment = name_deployment(environment)
    variables = {"MODAL_APP_NAME": deployment.app_name, "MODAL_SECRET_NAME": deployment.secret_name}
    say(f"{environment}: the app {deployment.app_name} with the secret {deployment.secret_name}")
    explain = partial(explain_problem, environment=environment)
    if migrates:
        say("1/5  migrate")
        _run_modal(["run", "chores.py::migrate"], variables, NOT_MIGRATED, explain=explain)
    say("2/5  check the database")
    status = _run_modal(["run", "chores.py::status"], variables, NOT_READY, explain=explain)
    commit = find_commit()
    _warn_about(commit, say)
    say("3/5  deploy")
    tag = ["--tag", commit.tag] if commit else []
    _run_modal(["deploy", "deploy.py", *tag], variables | find_pool(status), NOTHING_DEPLOYED, explain=explain_refusal)
    say("4/5  test the app")
    urls = {"api": url.rstrip("/")} if url else find_urls(deployment.app_name, variables)
    smoke(urls, app_name=deployment.app_name, commit=commit.sha if commit else None, say=say)
    say("5/5  create the first admin key, unless there is one")
    to = ["--to", str(key_file.absolute())] if key_file else []
    _run_modal(["run", "chores.py::admin_key", *to], variables, NO_KEY_MADE)
    say(describe_posting(urls))


def explain_problem(output: str, *, environment: str) -> str | None:
    """Return the remedy for a failed chore whose error does not contain it, or None."""
    if f" {PENDING}" in output:
        return f"To apply the migrations, run make deploy ENV={environment} MIGRATE=1"
    secret = name_deployment(environment).secret_name
    if re.search(rf"secret '{secret}' not found", output, re.IGNORECASE):
        return f"Create the secret {secret} first (docs/SECRETS.md, Create it)"
    if re.search(rf"secret '{secret}' .*missing", output, re.IGNORECASE):
        return f"Add the missing value to the file of {secret}, and create the secret again (docs/SECRETS.md, Keep it)"
    return None


def describe_posting(urls: Mapping[str, str]) -> str:
    """Describe how engines post to the deployed app."""
    scheme, _, host = urls.get("ingest", urls["api"]).partition("://")
    new = '{"name": "engine-1", "scopes": ["ingest"]}'
    return (
        f"Engines post to {scheme}://quote:KEY@{host}/v1/ingest. Each has its own KEY, which an admin key creates:\n"
        f"curl -sS -H 'X-API-Key: ADMIN_KEY' -H 'Content-Type: application/json' -d '{new}' {urls['api']}/auth/keys"
    )


def smoke(urls: Mapping[str, str], *, app_name: str, commit: str | None, say: Callable[[str], object]) -> None:
    """Test the deployed app: it is healthy, it is the right app at the right commit, and it requires a key.

    Args:
        urls: the URL of each web function, with `api` among them.
        app_name: the name of the app.
        commit: the deployed commit. Until containers of the previous version stop, the answer may be theirs.
        say: called with a line for each tested function.

    Raises:
        RolloutError: the app is online but fails a test. The previous version can be deployed again.
    """
    url = urls["api"]
    status, body = _await_health(url, lambda body: commit is None or body.get("commit") == commit)
    if status != 200 or body.get("app") != app_name:
        raise RolloutError(f"{url}/healthz: deployed, but it answers {status}; {json.dumps(body)}")
    if commit is not None and body.get("commit") != commit:
        raise RolloutError(f"{url}: deployed, but it still serves {body.get('commit')} instead of {commit}; try again")
    for warning in body.get("warnings", []):
        if warning in PROBLEMS:
            raise RolloutError(f"{url}/healthz: deployed, but with a warning; {warning}")
        if warning != NO_ADMIN_KEY:  # the next step creates one
            say(f"warning: {warning}")
    refused, _ = _call(f"{url}/logs")
    if refused != 401:
        raise RolloutError(f"{url}/logs: deployed, but it answers {refused} without a key; it must answer 401")
    for name, one in urls.items():
        status, body = _call(f"{one}/{PROBE}")
        if (status, body.get("code")) not in {(404, 404), (405, 405)}:
            raise RolloutError(f"{one}: deployed, but the function {name} answers {status}; {json.dumps(body)}")
    say(f"{app_name} answers at {url} ({len(urls)} web functions tested)")


def _await_health(url: str, is_new: Callable[[Any], bool]) -> tuple[int, Any]:
    """Return the health once it is ok and of the new version, or the last one after SMOKE_SECONDS."""
    deadline = time.monotonic() + SMOKE_SECONDS
    status, body = _call(f"{url}/healthz")
    while (status != 200 or not is_new(body)) and time.monotonic() < deadline:
        time.sleep(1)
        status, body = _call(f"{url}/healthz")
    return status, body


def _run_modal(
    arguments: list[str],
    variables: Mapping[str, str],
    problem: str,
    *,
    explain: Callable[[str], str | None] = lambda _: None,
) -> str:
    """Run Modal's command, pass on its output, and return it. `explain` may find the remedy for a failure in it."""
    command = [sys.executable, "-m", "modal", *arguments]
    environ = {**os.environ, **variables}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    lines: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, env=environ, **pipes) as process:  # noqa: S603 - ours
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line)
    output = "".join(lines)
    if process.returncode:
        remedy = explain(output)
        raise RolloutError(f"{problem}. {remedy}" if remedy else problem)
    return output


def _warn_about(commit: Commit | None, say: Callable[[str], object]) -> None:
    if commit is None:
        say("warning: this is not a git checkout, so /healthz will not show a commit")
    elif commit.is_dirty:
        say(f"warning: the working tree has changes that are not in {commit.sha[:SHORT]}; they will be deployed, too")


def find_urls(app_name: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the URLs of all web functions of the deployed layout.

    Args:
        app_name: the name of the app.
        variables: the environment variables of the deploy, in addition to those of this process.

    Raises:
        RolloutError: Modal does not list one of them.
    """
    command = [sys.executable, "-c", FIND_URLS]
    environ = {**os.environ, **variables}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise RolloutError(f"{app_name}: deployed, but Modal reports no URLs; {done.stderr.strip()[-300:]}")
    urls: dict[str, str] = json.loads(done.stdout)
    return {name: url.rstrip("/") for name, url in urls.items()}


def _call(url: str) -> tuple[int, Any]:
    """Return the status and the JSON of an answer, or 0 and the error if there is no answer."""
    try:
        answer = call("GET", url, timeout_s=CALL_SECONDS)
    except NoAnswerError as error:
        return 0, {"error": str(error)}
    return answer.status, answer.content if isinstance(answer.content, dict) else {}
