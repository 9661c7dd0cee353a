"""`make deploy`: check the database, deploy the app, test it, and create the first admin key.

Modal runs as a separate command.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from core.database.migrations import PENDING
from core.deploy.capacity import find_pool
from core.deploy.commit import SHORT, Commit, find_commit, make_deployment_id
from core.deploy.layout import explain_refusal
from core.deploy.names import DEFAULT_SECRET_NAME, Deployment
from core.deploy.smoke import smoke
from core.errors import ThunderError
from core.settings import DEFAULT_APP_NAME

ROOT = Path(__file__).parents[2]
PRODUCTION = "production"
NOT_MIGRATED = "database: not migrated; see the error above"
NOT_READY = "database: not ready, so nothing was deployed; see the error above"
NOTHING_DEPLOYED = "deploy: nothing was deployed; see the error above"
NO_KEY_MADE = "admin key: not created, although the app is deployed; see the error above"
FIND_URLS = """
import json, modal
from deploy import DEPLOYMENT, FUNCTIONS
print(json.dumps({name: modal.Function.from_name(DEPLOYMENT.app_name, name).get_web_url() for name in FUNCTIONS}))
"""
"""Prints the URLs of the web functions. It has no arguments, so deploy.py chooses the layout of `modal deploy`."""

NAMED_FILES = 3
"""Changed files that a warning names."""

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
        RolloutError: a step failed. Nothing was deployed, unless the message states that the app is deployed.
        SmokeError: the app was deployed but failed a test.
    """
    deployment = name_deployment(environment)
    deployment_id = make_deployment_id()
    variables = {
        "MODAL_APP_NAME": deployment.app_name,
        "MODAL_SECRET_NAME": deployment.secret_name,
        "THUNDER_DEPLOYMENT": deployment_id,
    }
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
    smoke(urls, app_name=deployment.app_name, deployment_id=deployment_id, say=say)
    say("5/5  create the first admin key, unless there is one")
    to = ["--to", str(key_file.absolute())] if key_file else []
    _run_modal(["run", "chores.py::admin_key", *to], variables, NO_KEY_MADE)
    say(describe_use(urls))


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


def describe_use(urls: Mapping[str, str]) -> str:
    """Describe how people read requests in the deployed app, and how engines post to it."""
    scheme, _, host = urls.get("ingest", urls["api"]).partition("://")
    new = '{"name": "engine-1", "scopes": ["ingest"]}'
    return (
        f"Read on {urls['api']}/, and sign in with the admin key.\n"
        f"Engines post to {scheme}://quote:KEY@{host}/v1/ingest. Each has its own KEY, which an admin key creates:\n"
        f"curl -sS -H 'X-API-Key: ADMIN_KEY' -H 'Content-Type: application/json' -d '{new}' {urls['api']}/auth/keys"
    )


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
    elif commit.changed:
        more = len(commit.changed) - NAMED_FILES
        files = ", ".join([*commit.changed[:NAMED_FILES], *([f"{more} more"] if more > 0 else [])])
        sha = commit.sha[:SHORT]
        say(f"warning: the working tree has changes that are not in {sha} ({files}); they are deployed, too")


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
        *_, reason = done.stderr.strip().splitlines() or ["no reason given"]  # without the traceback
        raise RolloutError(
            f"{app_name}: deployed, but Modal reports no URLs ({reason}); give the URL of api with --url"
        )
    urls: dict[str, str] = json.loads(done.stdout)
    return {name: url.rstrip("/") for name, url in urls.items()}
