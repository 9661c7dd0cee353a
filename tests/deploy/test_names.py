"""The names of apps and secrets must match."""

import re

import pytest
from pytest_mock import MockerFixture

from core.deploy.commit import find_commit
from core.deploy.names import Deployment, DeploymentError, choose_deployment, find_command
from functions.jobs import schedule
from tests.support.deploys import ENDPOINTS, Deploy


@pytest.mark.parametrize(
    ("environment", "app_name", "secret_name"),
    [
        ({}, "thunder-backend", "thunder-db"),
        ({"MODAL_APP_NAME": "", "MODAL_SECRET_NAME": ""}, "thunder-backend", "thunder-db"),
        (
            {"MODAL_APP_NAME": "thunder-backend-staging", "MODAL_SECRET_NAME": "thunder-db-staging"},
            "thunder-backend-staging",
            "thunder-db-staging",
        ),
    ],
    ids=["production", "production, set but empty", "staging"],
)
def test_the_environment_selects_app_and_secret(
    deploy: Deploy, environment: dict[str, str], app_name: str, secret_name: str
) -> None:
    deployed = deploy(**environment)
    assert deployed.modal.App.call_args.args == (app_name,)
    deployed.modal.Secret.from_name.assert_called_once_with(secret_name, required_keys=["DATABASE_URL"])
    assert deployed.app_arguments["secrets"] == [deployed.modal.Secret.from_name.return_value]
    environments = {name: arguments["env"] for name, arguments in deployed.functions.items()}
    commit = find_commit()
    (deployment_id,) = {arguments["env"]["THUNDER_DEPLOYMENT"] for arguments in deployed.functions.values()}
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", deployment_id)
    passed = {
        "THUNDER_APP_NAME": app_name,
        "THUNDER_COMMIT": commit.sha if commit else "",
        "THUNDER_DEPLOYMENT": deployment_id,
    }
    assert environments == dict.fromkeys((*ENDPOINTS, schedule.NAME), passed)


PRODUCTION = Deployment("thunder-backend", "thunder-db")
STAGING = Deployment("thunder-backend-staging", "thunder-db-staging")


@pytest.mark.parametrize(
    ("app_name", "secret_name", "command", "expected"),
    [
        ("", "", "deploy", PRODUCTION),
        ("thunder-backend", "", "deploy", PRODUCTION),
        ("", "thunder-db", "deploy", PRODUCTION),
        ("thunder-backend-staging", "thunder-db-staging", "deploy", STAGING),
        ("thunder-backend-staging", "neon-staging", "deploy", Deployment("thunder-backend-staging", "neon-staging")),
        ("acme", "neon", "deploy", Deployment("acme", "neon")),
        ("acme", "thunder-db-acme", "deploy", Deployment("acme", "thunder-db-acme")),
        ("", "", "serve", Deployment("thunder-backend-dev", "thunder-db-dev")),
        ("", "", "run", Deployment("thunder-backend-dev", "thunder-db-dev")),
        ("thunder-backend", "", "serve", Deployment("thunder-backend-dev", "thunder-db-dev")),
        ("thunder-backend-dev", "", "serve", Deployment("thunder-backend-dev", "thunder-db-dev")),
        ("thunder-backend-staging", "", "serve", Deployment("thunder-backend-staging-dev", "thunder-db-staging-dev")),
        ("thunder-backend-staging", "thunder-db-staging", "serve", STAGING),
        ("", "thunder-db", "serve", PRODUCTION),
        ("acme", "neon", "serve", Deployment("acme", "neon")),
    ],
)
def test_matching_names_are_accepted(app_name: str, secret_name: str, command: str, expected: Deployment) -> None:
    environ = {"MODAL_APP_NAME": app_name, "MODAL_SECRET_NAME": secret_name}
    assert choose_deployment(environ, [command, "deploy.py"]) == expected


@pytest.mark.parametrize(
    ("app_name", "secret_name", "command", "sentence"),
    [
        ("thunder-backend-staging", "thunder-db", "deploy", "by convention thunder-db-staging"),
        ("thunder-backend-staging", "thunder-db", "serve", "by convention thunder-db-staging"),
        ("", "thunder-db-staging", "deploy", "by convention thunder-db"),
        ("", "thunder-db-dev", "serve", "set MODAL_APP_NAME and MODAL_SECRET_NAME"),
        ("thunder-backend-staging", "thunder-db-dev", "deploy", "does not match the secret thunder-db-dev"),
        ("", "neon", "deploy", "MODAL_APP_NAME: thunder-backend does not match the secret neon"),
        ("acme", "thunder-db", "deploy", "MODAL_APP_NAME: acme does not match the secret thunder-db"),
        (
            "thunder-backend-staging",
            "",
            "deploy",
            "name the secret of thunder-backend-staging",
        ),
        ("acme", "", "deploy", "MODAL_SECRET_NAME: not set; name the secret of acme"),
        ("acme", "", "serve", "MODAL_SECRET_NAME: not set; name the secret of acme-dev"),
    ],
)
def test_mismatched_names_are_rejected(app_name: str, secret_name: str, command: str, sentence: str) -> None:
    environ = {"MODAL_APP_NAME": app_name, "MODAL_SECRET_NAME": secret_name}
    with pytest.raises(DeploymentError, match=sentence):
        choose_deployment(environ, [command, "deploy.py"])


@pytest.mark.parametrize("arguments", [["--name", "thunder-backend"], ["--name=thunder-backend"], ["-n", "x"], ["-nx"]])
def test_the_name_of_the_app_cannot_be_changed_on_the_command_line(arguments: list[str]) -> None:
    environ = {"MODAL_APP_NAME": "thunder-backend-staging", "MODAL_SECRET_NAME": "thunder-db-staging"}
    with pytest.raises(DeploymentError, match="name the app with MODAL_APP_NAME"):
        choose_deployment(environ, ["deploy", *arguments, "deploy.py"])


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["deploy", "deploy.py"], "deploy"),
        (["--profile", "serve", "deploy", "serve.py"], "deploy"),
        (["--profile=x", "serve", "deploy.py"], "serve"),
        (["-m", "x"], "x"),
        ([], None),
    ],
)
def test_the_command_is_the_first_argument_that_is_not_an_option(arguments: list[str], command: str | None) -> None:
    assert find_command(arguments) == command


def test_mismatched_names_register_nothing(deploy: Deploy, mocker: MockerFixture) -> None:
    modal = mocker.MagicMock()
    with pytest.raises(SystemExit, match="Not deployed: MODAL_APP_NAME: thunder-backend-staging does not match"):
        deploy(modal, MODAL_APP_NAME="thunder-backend-staging", MODAL_SECRET_NAME="thunder-db")
    assert modal.mock_calls == []
