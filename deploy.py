"""Thunder on Modal: `modal deploy deploy.py` puts every endpoint module of functions/ online as one web function.

Each serves its routes at their full path, and `api` all of them on one origin. Two variables choose the environment:

    MODAL_APP_NAME     whose app this is; each environment has one (default: thunder-backend)
    MODAL_REGION       where its containers run (default: anywhere, which is cheaper)
    MODAL_SECRET_NAME  the Modal secret that carries the environment's DATABASE_URL (that app's default: thunder-db)

`modal serve` defaults to the app and the secret of an environment of its own, thunder-backend-dev and thunder-db-dev.
Names that don't belong together stop it before anything is registered (core/deploy/names.py).

This module runs where the deploy is started and nowhere else: a container imports `functions.<endpoint>`.
"""

import os
import sys
from pathlib import Path
from types import ModuleType

import modal

from core.deploy.names import DeploymentError, choose_deployment
from functions import (
    api,
    audit,
    auth,
    collections,
    confidence,
    curation,
    deletions,
    discussions,
    health,
    ingest,
    logs,
    metrics,
    mods,
    outcomes,
    score,
    share,
    stream,
)
from functions.jobs import retention
from functions.web.scaling import Scaling

HERE = Path(__file__).parent

try:
    DEPLOYMENT = choose_deployment(os.environ, sys.argv[1:])
except DeploymentError as error:
    # Not the exception: Modal would print a traceback around the sentence.
    sys.exit(f"Not deployed: {error}")

# The one that CI runs the tests on, with the very packages of requirements.lock.
PYTHON = "3.11"

# The whole lock, though a container needs neither uvicorn nor the embedded Postgres: 80 MB that are never read there
# cost nothing at a cold start, and a second lock could differ from what the tests ran.
IMAGE = (
    modal.Image.debian_slim(PYTHON)
    .pip_install_from_requirements(
        str(HERE / "requirements.lock"), extra_options="--require-hashes --only-binary=:all:"
    )
    .add_local_python_source("core", "functions")
    # The line above ships .py files only: core.database.sql looks for sql/ beside core/, and the viewer is no Python.
    .add_local_dir(HERE / "sql", "/root/sql")
    .add_local_dir(HERE / "functions" / "viewer", "/root/functions/viewer")
)

# Beside the database, if somebody chose; Modal takes more for that.
REGION = os.environ.get("MODAL_REGION") or None

# Always this one: a list of secrets that depends on something here would differ in the container.
SECRETS = [modal.Secret.from_name(DEPLOYMENT.secret_name, required_keys=["DATABASE_URL"])]

app = modal.App(
    DEPLOYMENT.app_name,
    image=IMAGE,
    secrets=SECRETS,
    # Nothing comes along but what the image names.
    include_source=False,
)


def register(module: ModuleType) -> None:
    """Register an endpoint module as the web function of its name."""
    scaling: Scaling = module.SCALING
    serve = modal.asgi_app()(module.web)
    serve = modal.concurrent(max_inputs=scaling.max_inputs, target_inputs=scaling.target_inputs)(serve)
    app.function(
        name=module.__name__.rpartition(".")[2],
        # The container does not see the variables above, so it is told whose it is.
        env={"THUNDER_APP_NAME": DEPLOYMENT.app_name},
        memory=scaling.memory_mb,
        timeout=scaling.timeout_s,
        scaledown_window=scaling.idle_s,
        max_containers=scaling.max_containers,
        region=REGION,
        # Python and every import are done once per deploy, not once per cold start.
        enable_memory_snapshot=True,
    )(serve)


register(api)
register(audit)
register(auth)
register(collections)
register(confidence)
register(curation)
register(deletions)
register(discussions)
register(health)
register(ingest)
register(logs)
register(metrics)
register(mods)
register(outcomes)
register(score)
register(share)
register(stream)

app.function(
    name=retention.NAME,
    env={"THUNDER_APP_NAME": DEPLOYMENT.app_name},
    memory=retention.MEMORY_MB,
    timeout=retention.TIMEOUT_S,
    schedule=modal.Cron(retention.CRON),
    max_containers=1,
    region=REGION,
)(retention.retain)
