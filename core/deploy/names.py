"""Which app a deploy is of, and which Modal secret has its database: never production's by accident.

By convention the app `thunder-backend` has the secret `thunder-db`, and `thunder-backend-staging` has
`thunder-db-staging`. Other names go together freely; these only as the convention says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import ThunderError
from core.settings import DEFAULT_APP_NAME

DEFAULT_SECRET_NAME = "thunder-db"  # noqa: S105 - the name of one
DEV = "-dev"

EPHEMERAL = {"serve", "run", "shell"}
"""Commands of `modal` that are for trying something out, and register all functions while they last."""


class DeploymentError(ThunderError):
    """The names don't go together; the sentence says what to set."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """An app's name, which its database is stamped with, and the name of the secret that has its DATABASE_URL."""

    app_name: str
    secret_name: str


def choose_deployment(environ: Mapping[str, str], arguments: Sequence[str]) -> Deployment:
    """Choose by MODAL_APP_NAME and MODAL_SECRET_NAME.

    Args:
        environ: The environment.
        arguments: Modal's command line, without the program. It is what tells `modal serve` from `modal deploy` in
            the process that reloads after a change as well: Modal starts that one anew, but with the same arguments.

    Raises:
        DeploymentError: if the names don't go together, or there is no telling the secret's.
    """
    app_name = environ.get("MODAL_APP_NAME") or DEFAULT_APP_NAME
    secret_name = environ.get("MODAL_SECRET_NAME") or ""
    _refuse_other_name(app_name, arguments)
    if not secret_name and find_command(arguments) in EPHEMERAL:
        app_name = app_name.removesuffix(DEV) + DEV
    elif not secret_name and app_name == DEFAULT_APP_NAME:
        secret_name = DEFAULT_SECRET_NAME
    elif not secret_name:
        raise DeploymentError(f"MODAL_SECRET_NAME is not set: name the secret of {app_name}{_advise(app_name)}")
    deployment = Deployment(app_name, secret_name or _expect_secret(app_name))
    _refuse_mixed(deployment)
    return deployment


def find_command(arguments: Sequence[str]) -> str | None:
    """The command of `modal [--profile NAME] COMMAND …`."""
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--profile":
            next(remaining, None)
        elif not argument.startswith("-"):
            return argument
    return None


def _refuse_other_name(app_name: str, arguments: Sequence[str]) -> None:
    """`--name` would register the app under a name that its containers, and their database, know nothing of."""
    if find_command(arguments) not in EPHEMERAL | {"deploy"}:
        return
    for argument in arguments:
        is_short = argument.startswith("-n") and not argument.startswith("--")
        if is_short or argument.split("=")[0] == "--name":
            raise DeploymentError(f"name the app with MODAL_APP_NAME (now {app_name}), not with {argument}")


def _refuse_mixed(deployment: Deployment) -> None:
    app_name, secret_name = deployment.app_name, deployment.secret_name
    of_app, of_secret = _environment_of(app_name, DEFAULT_APP_NAME), _environment_of(secret_name, DEFAULT_SECRET_NAME)
    if of_app == of_secret or (of_app and of_secret is None) or (of_secret and of_app is None):
        return
    raise DeploymentError(
        f"the app {app_name} does not go with the secret {secret_name}{_advise(app_name)}; "
        "MODAL_APP_NAME and MODAL_SECRET_NAME choose both"
    )


def _environment_of(name: str, default: str) -> str | None:
    """What a conventional name has after the default one, empty for that itself; null for any other name."""
    if name == default:
        return ""
    return name.removeprefix(f"{default}-") if name.startswith(f"{default}-") else None


def _advise(app_name: str) -> str:
    environment = _environment_of(app_name, DEFAULT_APP_NAME)
    return "" if environment is None else f" (by convention {_expect_secret(app_name)})"


def _expect_secret(app_name: str) -> str:
    environment = _environment_of(app_name, DEFAULT_APP_NAME)
    if environment is None:
        raise DeploymentError(f"MODAL_SECRET_NAME is not set: name the secret of {app_name}")
    return f"{DEFAULT_SECRET_NAME}-{environment}" if environment else DEFAULT_SECRET_NAME
