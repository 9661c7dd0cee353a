"""Chores on Modal, which use the DATABASE_URL of the environment's Modal secret: `modal run chores.py::migrate`.

They are a separate app, because `modal run` registers every function of its app and would take over the URLs of `modal
serve`. MODAL_APP_NAME and MODAL_SECRET_NAME choose the environment. The default is the one of `modal serve`,
thunder-backend-dev.

    modal run chores.py::status     show the stamp and the pending migrations; fails unless ready for a deploy
    modal run chores.py::migrate    apply pending migrations; a new database is stamped with the app's name
    modal run chores.py::admin_key  create the first admin key, unless there is one; --to FILE writes it to a new file
"""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

import modal

from core.local.secrets import open_new_file
from deploy import DEPLOYMENT, IMAGE, SECRETS
from functions.jobs import chores

app = modal.App(f"{DEPLOYMENT.app_name}-chores", image=IMAGE, secrets=SECRETS, include_source=False)
remote = app.function(env={"THUNDER_APP_NAME": DEPLOYMENT.app_name}, timeout=chores.TIMEOUT_S, max_containers=1)

migrate_database = remote(chores.migrate_database)
describe_database = remote(chores.describe_database)
needs_admin_key = remote(chores.needs_admin_key)
create_admin_key = remote(chores.create_admin_key)

T = TypeVar("T")


@app.local_entrypoint()
def migrate() -> None:
    """Apply pending migrations."""
    for line in call(migrate_database.remote):
        print(line)  # noqa: T201 - a command's output


@app.local_entrypoint()
def status() -> None:
    """Show the stamp and the pending migrations of the database."""
    description = call(describe_database.remote)
    for line in description.lines:
        print(line)  # noqa: T201 - a command's output
    if description.problem:
        sys.exit(f"Not ready: {description.problem}")


@app.local_entrypoint()
def admin_key(to: str = "") -> None:
    """Create the first admin key, unless there is one, and print it or write it to a new file."""
    exists = "An admin key exists, so none was created."
    if not call(needs_admin_key.remote):
        print(exists)  # noqa: T201 - a command's output
        return
    try:
        # The file is opened first, because a key that cannot be written would be lost.
        with open_new_file(Path(to)) if to else nullcontext(sys.stdout) as file:
            key = call(create_admin_key.remote)
            if key is not None:
                file.write(f"{key}\n")
    except OSError as error:
        sys.exit(f"{to}: {error.strerror}; give the name of a new file")
    if key is not None:
        where = f"in {to}" if to else "above; save it now, because it is not shown again"
        print(f"Created the first admin key. It is {where}.")  # noqa: T201 - a command's output
        return
    if to:  # another process created one in the meantime
        Path(to).unlink()
    print(exists)  # noqa: T201 - a command's output


def call(function: Callable[[], T | chores.Failure]) -> T:
    """Return the result of a chore, or exit with its error."""
    try:
        result = function()
    except modal.exception.Error as error:
        sys.exit(f"Error: Modal: {error}; see the log of the app, or try again")
    if isinstance(result, chores.Failure):
        sys.exit(f"Error: {result.sentence}")
    return result
