"""Chores on Modal, for whoever has the environment's Modal secret and no DATABASE_URL: `modal run chores.py::migrate`.

They are an app of their own, beside deploy.py's, because `modal run` registers every function of the app that it runs,
and would take over the URLs of `modal serve`. The same two variables choose the environment; without them it is the one
of `modal serve`, thunder-backend-dev.

    modal run chores.py::status     whose the database is, and what it lacks; fails while it lacks something
    modal run chores.py::migrate    apply what it lacks; a new database becomes this app's
"""

import sys

import modal

from deploy import DEPLOYMENT, IMAGE, SECRETS
from functions.jobs import chores

app = modal.App(f"{DEPLOYMENT.app_name}-chores", image=IMAGE, secrets=SECRETS, include_source=False)
remote = app.function(env={"THUNDER_APP_NAME": DEPLOYMENT.app_name}, timeout=chores.TIMEOUT_S, max_containers=1)

migrate_database = remote(chores.migrate_database)
describe_database = remote(chores.describe_database)


@app.local_entrypoint()
def migrate() -> None:
    """Apply the migrations that the database lacks."""
    for line in migrate_database.remote():
        print(line)  # noqa: T201 - a command's output


@app.local_entrypoint()
def status() -> None:
    """Say whose the database is and what it lacks."""
    description = describe_database.remote()
    for line in description.lines:
        print(line)  # noqa: T201 - a command's output
    if not description.is_ready:
        sys.exit(f"Not ready: {description.problem}")
