"""Chores on Modal, which use the DATABASE_URL of the environment's Modal secret: `modal run chores.py::migrate`.

They are a separate app, because `modal run` registers every function of its app and would take over the URLs of `modal
serve`. MODAL_APP_NAME and MODAL_SECRET_NAME choose the environment. The default is the one of `modal serve`,
thunder-backend-dev.

    modal run chores.py::status     show the owner and the pending migrations; fails unless ready for a deploy
    modal run chores.py::migrate    apply pending migrations; a new database is stamped with the app's name
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
    """Apply pending migrations."""
    for line in migrate_database.remote():
        print(line)  # noqa: T201 - a command's output


@app.local_entrypoint()
def status() -> None:
    """Show the owner and the pending migrations of the database."""
    description = describe_database.remote()
    for line in description.lines:
        print(line)  # noqa: T201 - a command's output
    if not description.is_ready:
        sys.exit(f"Not ready: {description.problem}")
