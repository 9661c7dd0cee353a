"""deploy.py registers the right functions, with pytest-mock in place of Modal. test_modal.py deploys for real."""

import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import MagicMock

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pytest_mock import MockerFixture

from core.deploy.commit import find_commit
from core.deploy.layout import GROUPED_FUNCTIONS, Layout, choose_layout
from core.deploy.names import Deployment, DeploymentError, choose_deployment, find_command
from functions import api, deployed, log_group
from functions.jobs import schedule
from functions.web.scaling import Scaling
from tests.support.environment import ROOT

MODULES = {endpoint.__name__.rpartition(".")[2]: endpoint for endpoint in (api, *api.ENDPOINTS)}
ENDPOINTS = sorted(MODULES)


@dataclass(frozen=True)
class Registered:
    """The calls of Modal that a run of deploy.py makes."""

    modal: MagicMock
    image: MagicMock

    @property
    def app_arguments(self) -> dict[str, Any]:
        return self.modal.App.call_args.kwargs

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The keyword arguments of `app.function` by function name."""
        return {call.kwargs["name"]: call.kwargs for call in self.modal.App.return_value.function.call_args_list}


Deploy = Callable[..., Registered]


@pytest.fixture
def deploy(mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Run deploy.py as `modal deploy` does: `deploy(MODAL_APP_NAME=…)`. The layout is `each` unless given."""

    def run(modal: MagicMock | None = None, **environment: str) -> Registered:
        for name, value in {"MODAL_LAYOUT": "each", **environment}.items():
            monkeypatch.setenv(name, value)
        modal, image = modal or mocker.MagicMock(), mocker.MagicMock()
        modal.Image.debian_slim.return_value = image
        for step in ("pip_install_from_requirements", "add_local_python_source", "add_local_dir"):
            getattr(image, step).return_value = image
        modal.reset_mock()
        monkeypatch.setitem(sys.modules, "modal", modal)
        monkeypatch.setattr(sys, "argv", ["modal", "deploy", "deploy.py"])
        runpy.run_path(str(ROOT / "deploy.py"))
        return Registered(modal, image)

    return run


def test_each_endpoint_and_api_become_functions_of_the_same_name(deploy: Deploy) -> None:
    assert list(deploy().functions) == [*ENDPOINTS, schedule.NAME]
    assert {"health", "ingest", "logs", "api"} <= set(ENDPOINTS)


def test_each_endpoint_file_is_served_and_deployed(deploy: Deploy) -> None:
    folder = ROOT / "functions"
    packages = {path.parent.name for path in folder.glob("*/__init__.py") if "\ndef web(" in path.read_text()}
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "log_group", "deployed"} | packages
    assert set(ENDPOINTS) == files
    assert files <= set(deploy().functions)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_function_serves_the_asgi_app_of_its_module(deploy: Deploy, name: str) -> None:
    modal = deploy().modal
    served = [call.args[0] for call in modal.asgi_app.return_value.call_args_list]
    concurrent = [call.args[0] for call in modal.concurrent.return_value.call_args_list]
    registered = [call.args[0] for call in modal.App.return_value.function.return_value.call_args_list]
    assert served[ENDPOINTS.index(name)] is getattr(deployed, name)
    assert concurrent == [modal.asgi_app.return_value.return_value] * len(ENDPOINTS)
    assert registered[:-1] == [modal.concurrent.return_value.return_value] * len(ENDPOINTS)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_function_has_the_scaling_of_its_module(deploy: Deploy, name: str) -> None:
    deployed = deploy()
    scaling: Scaling = MODULES[name].SCALING
    arguments = deployed.functions[name]
    assert arguments["memory"] == scaling.memory_mb
    assert arguments["timeout"] == scaling.timeout_s
    assert arguments["scaledown_window"] == scaling.idle_s
    assert arguments["max_containers"] == scaling.max_containers
    assert deployed.modal.concurrent.call_args_list[ENDPOINTS.index(name)].kwargs == {
        "max_inputs": scaling.max_inputs,
        "target_inputs": scaling.target_inputs,
    }


@pytest.mark.parametrize(
    ("layout", "names"),
    [
        ("", list(GROUPED_FUNCTIONS)),
        ("grouped", list(GROUPED_FUNCTIONS)),
        ("Each", ENDPOINTS),
        ("one", ["api"]),
    ],
)
def test_a_layout_chooses_the_functions_and_prints_them(
    deploy: Deploy, capsys: pytest.CaptureFixture[str], layout: str, names: list[str]
) -> None:
    assert list(deploy(MODAL_LAYOUT=layout).functions) == [*names, schedule.NAME]
    printed, connections = capsys.readouterr().out.splitlines()
    streams = 20 * sum(name in {"api", "stream"} for name in names)
    assert f"At most {20 * len(names)} containers open up to {(20 * len(names) + 1) * 4 + streams} conn" in connections
    assert f" {len(names)} web function" in printed
    assert f"({', '.join(names)})" in printed
    assert ("more than the 8" in printed) == (len(names) > 8)


def test_capacity_is_chosen_for_all_functions_or_single_ones(
    deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = {"MODAL_MAX_CONTAINERS": "5, api=3", "MODAL_MIN_CONTAINERS": "api=1", "MODAL_CPU": "ingest=2"}
    functions = deploy(MODAL_LAYOUT="grouped", DATABASE_POOL_SIZE="2", **chosen).functions
    web = {name: functions[name] for name in GROUPED_FUNCTIONS}
    assert {name: one["max_containers"] for name, one in web.items()} == {"api": 3, "health": 5, "ingest": 5, "logs": 5}
    assert {name: one["min_containers"] for name, one in web.items() if one["min_containers"]} == {"api": 1}
    assert {name: one["cpu"] for name, one in web.items() if one["cpu"]} == {"ingest": 2}
    assert {one["env"]["DATABASE_POOL_SIZE"] for one in functions.values()} == {"2"}
    assert f"At most 18 containers open up to {19 * 2 + 3} connections" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODAL_MAX_CONTAINERS", "0"),
        ("MODAL_MAX_CONTAINERS", "many"),
        ("MODAL_MIN_CONTAINERS", "1.5"),
        ("MODAL_CPU", "nan"),
        ("MODAL_CPU", "other=1"),
        ("DATABASE_POOL_SIZE", "-1"),
    ],
)
def test_an_invalid_capacity_registers_nothing(deploy: Deploy, mocker: MockerFixture, name: str, value: str) -> None:
    modal = mocker.MagicMock()
    with pytest.raises(SystemExit, match=f"Not deployed: {name}: "):
        deploy(modal, MODAL_LAYOUT="grouped", **{name: value})
    assert not modal.App.return_value.function.called


def test_modal_serve_registers_api_alone_unless_a_layout_is_set() -> None:
    assert choose_layout({}, ["serve", "deploy.py"]) is Layout.ONE
    assert choose_layout({"MODAL_LAYOUT": "grouped"}, ["serve", "deploy.py"]) is Layout.GROUPED
    assert choose_layout({}, ["deploy", "deploy.py"]) is Layout.GROUPED


def test_an_unknown_layout_registers_nothing(deploy: Deploy, mocker: MockerFixture) -> None:
    modal = mocker.MagicMock()
    with pytest.raises(SystemExit, match="MODAL_LAYOUT: 'few' is not a layout; use grouped, each, one"):
        deploy(modal, MODAL_LAYOUT="few")
    assert modal.mock_calls == []


def test_the_grouped_logs_serve_every_route_under_logs_but_the_stream() -> None:
    expected = {route for route in list_routes(api.web()) if route[0].startswith("/logs")}
    assert {route for route in list_routes(log_group.web()) if route[0].startswith("/logs")} == {
        (path, methods) for path, methods in expected if path != "/logs/stream"
    }


def list_routes(app: FastAPI) -> set[tuple[str, frozenset[str]]]:
    return {(route.path, frozenset(route.methods or ())) for route in app.routes if isinstance(route, APIRoute)}


def test_memory_snapshots_are_enabled(deploy: Deploy) -> None:
    functions = deploy().functions
    assert all(functions[name]["enable_memory_snapshot"] is True for name in ENDPOINTS)


def test_containers_run_in_the_chosen_region(deploy: Deploy) -> None:
    assert {arguments["region"] for arguments in deploy(MODAL_REGION="us-east").functions.values()} == {"us-east"}
    assert {arguments["region"] for arguments in deploy(MODAL_REGION="").functions.values()} == {None}


def test_the_schedule_is_the_only_cron(deploy: Deploy) -> None:
    modal = deploy().modal
    assert modal.App.return_value.function.return_value.call_args.args == (schedule.run,)
    assert modal.Cron.call_args.args == (schedule.CRON,)
    schedules = [call.kwargs.get("schedule") for call in modal.App.return_value.function.call_args_list]
    assert schedules == [None] * len(ENDPOINTS) + [modal.Cron.return_value]


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
    passed = {"THUNDER_APP_NAME": app_name, "THUNDER_COMMIT": commit.sha if commit else ""}
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


def test_the_image_has_only_the_locked_packages(deploy: Deploy) -> None:
    image = deploy().image
    image.pip_install_from_requirements.assert_called_once_with(
        str(ROOT / "requirements-container.lock"), extra_options="--require-hashes --only-binary=:all:"
    )
    steps = {call[0] for call in image.method_calls}
    assert steps == {"pip_install_from_requirements", "add_local_python_source", "add_local_dir"}


def test_only_the_code_the_sql_the_viewer_and_the_fonts_are_mounted(deploy: Deploy) -> None:
    deployed = deploy()
    deployed.image.add_local_python_source.assert_called_once_with("core", "functions")
    folders = [call.args for call in deployed.image.add_local_dir.call_args_list]
    assert folders == [(ROOT / name, f"/root/{name}") for name in ("sql", "functions/viewer", "core/previews/fonts")]
    assert deployed.app_arguments["image"] is deployed.image
    assert deployed.app_arguments["include_source"] is False


def test_the_image_uses_the_oldest_supported_python(deploy: Deploy) -> None:
    (python,) = deploy().modal.Image.debian_slim.call_args.args
    assert f'requires-python = ">={python}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_modules_of_a_container_use_neither_modal_nor_deploy_time_variables() -> None:
    for path in [*(ROOT / "functions").rglob("*.py"), *(ROOT / "core").rglob("*.py")]:
        source = path.read_text(encoding="utf-8")
        assert "import modal" not in source
        assert 'environ["MODAL_' not in source
