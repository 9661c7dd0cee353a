"""Thunder on Modal: `modal deploy deploy.py` deploys the endpoint modules of functions/ as web functions.

Each function serves its routes at their full path, and `api` serves all of them on one origin. Variables
configure the deploy:

    MODAL_APP_NAME     the app of the environment (default: thunder-backend)
    MODAL_SECRET_NAME  the Modal secret with the environment's DATABASE_URL (default for that app: thunder-db)
    MODAL_LAYOUT       the web functions: grouped (four, the default), each (one per module) or one (`api` alone)
    MODAL_REGION       the region of the containers (default: any, which is cheaper)
    MODAL_MAX_CONTAINERS, MODAL_MIN_CONTAINERS, MODAL_CPU
                       the containers and cores of all functions, or of single ones: 10,api=4
    DATABASE_POOL_SIZE the connections of each container (default: the value in the secret, or 4)

`modal serve` defaults to the layout `one` and to a separate environment: thunder-backend-dev and thunder-db-dev. Names
that don't match are refused before anything is registered (core/deploy/names.py).

This module runs only on the machine that starts the deploy. Containers import `functions.deployed`.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

import modal

from core.deploy.capacity import POOL, choose_capacity, describe_connections
from core.deploy.commit import find_commit, make_deployment_id
from core.deploy.layout import Layout, choose_layout, describe_layout, describe_workspace
from core.deploy.names import DeploymentError, choose_deployment, find_command
from functions import deployed
from functions.jobs import schedule
from functions.web.scaling import Scaling

HERE = Path(__file__).parent

try:
    DEPLOYMENT = choose_deployment(os.environ, sys.argv[1:])
    LAYOUT = choose_layout(os.environ, sys.argv[1:])
except DeploymentError as error:
    # Exit instead of raising: Modal would print a traceback around the message.
    sys.exit(f"Not deployed: {error}")

# The version that CI tests.
PYTHON = "3.11"

# The versions of requirements.lock, without the packages that only `make run` and the commands of manage.py need.
IMAGE = (
    modal.Image.debian_slim(PYTHON)
    .pip_install_from_requirements(
        str(HERE / "requirements-container.lock"), extra_options="--require-hashes --only-binary=:all:"
    )
    .add_local_python_source("core", "functions")
    # add_local_python_source copies only .py files. core.database.query reads sql/; the viewer and fonts aren't Python.
    .add_local_dir(HERE / "sql", "/root/sql")
    .add_local_dir(HERE / "functions" / "viewer", "/root/functions/viewer")
    .add_local_dir(HERE / "core" / "previews" / "fonts", "/root/core/previews/fonts")
)

# Close to the database, if set. Modal charges more for a chosen region.
REGION = os.environ.get("MODAL_REGION") or None

# The same in every process: a list that depends on local conditions would differ in the container.
SECRETS = [modal.Secret.from_name(DEPLOYMENT.secret_name, required_keys=["DATABASE_URL"])]

# Containers see neither the variables above nor git.
COMMIT = find_commit()
ENVIRONMENT: dict[str, str | None] = {
    "THUNDER_APP_NAME": DEPLOYMENT.app_name,
    "THUNDER_COMMIT": COMMIT.sha if COMMIT else "",
    # `make deploy` chooses it, and waits until it answers.
    "THUNDER_DEPLOYMENT": os.environ.get("THUNDER_DEPLOYMENT") or make_deployment_id(),
}

app = modal.App(
    DEPLOYMENT.app_name,
    image=IMAGE,
    secrets=SECRETS,
    # Include only the files that the image names.
    include_source=False,
)


# The web functions of each layout: the name in Modal, and the module of functions/ that serves it.
LAYOUTS: dict[Layout, dict[str, str]] = {
    Layout.GROUPED: {"api": "api", "health": "health", "ingest": "ingest", "logs": "log_group"},
    Layout.EACH: {
        name: name
        for name in (
            "activations",
            "alerts",
            "api",
            "audit",
            "auth",
            "calibrators",
            "collections",
            "confidence",
            "curation",
            "deletions",
            "discussions",
            "health",
            "ingest",
            "logs",
            "metrics",
            "mods",
            "outcomes",
            "playground",
            "score",
            "share",
            "stream",
        )
    },
    Layout.ONE: {"api": "api"},
}
FUNCTIONS = LAYOUTS[LAYOUT]
COMMAND = find_command(sys.argv[1:])
ONLINE = {"deploy", "serve"}
try:
    # Other commands (`modal run chores.py::…`) may default to another layout, without the functions that are named.
    CAPACITY = choose_capacity(os.environ if COMMAND in ONLINE else {}, FUNCTIONS)
except DeploymentError as error:
    sys.exit(f"Not deployed: {error}")
if CAPACITY.pool_size is not None:
    ENVIRONMENT[POOL] = str(CAPACITY.pool_size)


def count_others() -> dict[str, int] | None:
    """Return the number of web functions of each other app in the workspace; None if Modal does not list them."""
    target, counts = modal.config.config.get("environment"), dict[str, int]()
    try:
        for environment in modal.Environment.objects.list():
            for one in environment.apps.list():
                info = one.info()
                is_this = one.name == DEPLOYMENT.app_name and target in {None, "", environment.name}
                if one.name is None or info.lifecycle.state != "deployed" or is_this:
                    continue
                found = (
                    modal.Function.from_name(one.name, name, environment_name=environment.name).get_web_url()
                    for name in info.functions
                )
                counts[one.name] = counts.get(one.name, 0) + sum(map(bool, found))
    except Exception:  # noqa: BLE001 - the deploy itself reports the problem, and an older client lists no apps
        return None
    return counts


def register(name: str, module: str, scaling: Scaling) -> None:
    """Register the ASGI application of a module as a web function."""
    serve = modal.asgi_app()(deployed.refer_to(module))
    serve = modal.concurrent(max_inputs=scaling.max_inputs, target_inputs=scaling.target_inputs)(serve)
    app.function(
        name=name,
        env=ENVIRONMENT,
        memory=scaling.memory_mb,
        timeout=scaling.timeout_s,
        scaledown_window=scaling.idle_s,
        max_containers=int(CAPACITY.most.of(name) or scaling.max_containers),
        min_containers=int(CAPACITY.fewest.of(name) or 0) or None,
        cpu=CAPACITY.cpu.of(name),
        region=REGION,
        # Python starts, imports and builds the application once per deploy instead of at each cold start.
        enable_memory_snapshot=True,
    )(serve)


def register_all() -> None:
    """Register all functions. First, print what a command that goes online registers."""
    scalings: dict[str, Scaling] = {
        name: import_module(f"functions.{module}").SCALING for name, module in FUNCTIONS.items()
    }
    if COMMAND in ONLINE:
        most = {name: int(CAPACITY.most.of(name) or scaling.max_containers) for name, scaling in scalings.items()}
        print(describe_layout(LAYOUT, DEPLOYMENT.app_name, FUNCTIONS), flush=True)  # noqa: T201 - before a build
        if COMMAND == "deploy" and (others := count_others()) is not None:
            print(describe_workspace(others, len(FUNCTIONS)), flush=True)  # noqa: T201 - the same
        connections = describe_connections(most, os.environ, CAPACITY.pool_size, {"api", "stream"})
        print(connections, flush=True)  # noqa: T201 - the same
    for name, module in FUNCTIONS.items():
        register(name, module, scalings[name])
    app.function(
        name=schedule.NAME,
        env=ENVIRONMENT,
        memory=schedule.MEMORY_MB,
        timeout=schedule.TIMEOUT_S,
        schedule=modal.Cron(schedule.CRON),
        max_containers=1,
        region=REGION,
    )(schedule.run)


# Chores, which import this module for its image and secrets, and the search for URLs need no functions.
if COMMAND is not None and not any(one.startswith("chores.py") for one in sys.argv[1:]):
    register_all()
