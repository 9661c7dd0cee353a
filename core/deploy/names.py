"""Choose the app and the Modal secret of a deploy, so that production is never the target by accident.

By convention, the app `thunder-backend` uses the secret `thunder-db`, and `thunder-backend-staging` uses
`thunder-db-staging`. Names that follow the convention must match it. Other names can be combined freely.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import ThunderError
from core.settings import DEFAULT_APP_NAME

DEFAULT_SECRET_NAME = "thunder-db"  # noqa: S105 - the name of one
DEV = "-dev"

EPHEMERAL = {"serve", "run", "shell"}
"""Commands of `modal` for development. They register all functions while they run."""


class DeploymentError(ThunderError):
    """The app and the secret don't match; the message names the variable to set."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The name of an app, which is stamped on its database, and the name of the secret with its DATABASE_URL."""

    app_name: str
    secret_name: str


def choose_deployment(environ: Mapping[str, str], arguments: Sequence[str]) -> Deployment:
    """Choose the deployment from MODAL_APP_NAME and MODAL_SECRET_NAME.

    Args:
        environ: The environment variables.
        arguments: Modal's command line, without the program. It distinguishes `modal serve` from `modal deploy`, also
            after a reload, because Modal starts the new process with the same arguments.

    Raises:
        DeploymentError: if the names don't match, or the name of the secret is missing.
    """
    app_name = environ.get("MODAL_APP_NAME") or DEFAULT_APP_NAME
    secret_name = environ.get("MODAL_SECRET_NAME") or ""
    _refuse_other_name(app_name, arguments)
    if not secret_name and find_command(arguments) in EPHEMERAL:
        app_name = app_name.removesuffix(DEV) + DEV
    elif not secret_name and app_name == DEFAULT_APP_NAME:
        secret_name = DEFAULT_SECRET_NAME
    elif not secret_name:
        raise DeploymentError(f"MODAL_SECRET_NAME: not set; name the secret of {app_name}{_advise(app_name)}")
    deployment = Deployment(app_name, secret_name or _expect_secret(app_name))
    _refuse_mixed(deployment)
    return deployment


def find_command(arguments: Sequence[str]) -> str | None:
    """Return COMMAND of `modal [--profile NAME] COMMAND …`."""
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--profile":
            next(remaining, None)
        elif not argument.startswith("-"):
            return argument
    return None


def _refuse_other_name(app_name: str, arguments: Sequence[str]) -> None:
    """Refuse `--name`: it would register the app under a name that its containers and its database don't use."""
    if find_command(arguments) not in EPHEMERAL | {"deploy"}:
        return
    for argument in arguments:
        is_short = argument.startswith("-n") and not argument.startswith("--")
        if is_short or argument.split("=")[0] == "--name":
            raise DeploymentError(f"{argument}: not supported; name the app with MODAL_APP_NAME (now {app_name})")


def _refuse_mixed(deployment: Deployment) -> None:
    app_name, secret_name = deployment.app_name, deployment.secret_name
    of_app, of_secret = _environment_of(app_name, DEFAULT_APP_NAME), _environment_of(secret_name, DEFAULT_SECRET_NAME)
    if of_app == of_secret or (of_app and of_secret is None) or (of_secret and of_app is None):
        return
    raise DeploymentError(
        f"MODAL_APP_NAME: {app_name} does not match the secret {secret_name}{_advise(app_name)}; "
        "set MODAL_APP_NAME and MODAL_SECRET_NAME"
    )


def _environment_of(name: str, default: str) -> str | None:
    """Return the suffix of a conventional name (empty for the default name), or None for other names."""
    if name == default:
        return ""
    return name.removeprefix(f"{default}-") if name.startswith(f"{default}-") else None


def _advise(app_name: str) -> str:
    environment = _environment_of(app_name, DEFAULT_APP_NAME)
    return "" if environment is None else f" (by convention {_expect_secret(app_name)})"


def _expect_secret(app_name: str) -> str:
    environment = _environment_of(app_name, DEFAULT_APP_NAME)
    if environment is None:
        raise DeploymentError(f"MODAL_SECRET_NAME: not set; name the secret of {app_name}")
    return f"{DEFAULT_SECRET_NAME}-{environment}" if environment else DEFAULT_SECRET_NAME
