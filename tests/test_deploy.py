"""deploy.py registers what it should, with pytest-mock standing in for Modal; test_fakemodal.py deploys for real."""

import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from pytest_mock import MockerFixture

from functions.common.endpoints import import_endpoint, list_endpoints
from functions.common.scaling import Scaling

ROOT = Path(__file__).parents[1]
ENDPOINTS = [*list_endpoints(), "api"]


@dataclass(frozen=True)
class Deployment:
    """What one run of deploy.py asked Modal for."""

    modal: MagicMock
    image: MagicMock

    @property
    def app_arguments(self) -> dict[str, Any]:
        return self.modal.App.call_args.kwargs

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The keyword arguments of `app.function`, by the function's name."""
        return {call.kwargs["name"]: call.kwargs for call in self.modal.App.return_value.function.call_args_list}


Deploy = Callable[..., Deployment]


@pytest.fixture
def deploy(mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Run deploy.py as `modal deploy` does: `deploy(MODAL_APP_NAME=…)`."""

    def run(**environment: str) -> Deployment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        modal, image = mocker.MagicMock(), mocker.MagicMock()
        modal.Image.debian_slim.return_value = image
        for step in ("pip_install_from_requirements", "add_local_python_source", "add_local_dir"):
            getattr(image, step).return_value = image
        monkeypatch.setitem(sys.modules, "modal", modal)
        runpy.run_path(str(ROOT / "deploy.py"))
        return Deployment(modal, image)

    return run


def test_every_endpoint_and_the_one_origin_become_functions_of_their_names(deploy: Deploy) -> None:
    assert list(deploy().functions) == ENDPOINTS
    assert {"health", "ingest", "logs", "api"} <= set(ENDPOINTS)


def test_a_new_endpoint_file_is_a_new_function(deploy: Deploy, mocker: MockerFixture, tmp_path: Path) -> None:
    (tmp_path / "newcomer.py").write_text("from functions.logs import SCALING, web\n")
    mocker.patch("functions.__path__", [str(ROOT / "functions"), str(tmp_path)])
    assert "newcomer" in deploy().functions


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_function_serves_its_module_s_asgi_app(deploy: Deploy, name: str) -> None:
    modal = deploy().modal
    served = [call.args[0] for call in modal.asgi_app.return_value.call_args_list]
    concurrent = [call.args[0] for call in modal.concurrent.return_value.call_args_list]
    registered = [call.args[0] for call in modal.App.return_value.function.return_value.call_args_list]
    assert served[ENDPOINTS.index(name)] is import_endpoint(name).web
    assert concurrent == [modal.asgi_app.return_value.return_value] * len(ENDPOINTS)
    assert registered == [modal.concurrent.return_value.return_value] * len(ENDPOINTS)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_function_scales_as_its_module_says(deploy: Deploy, name: str) -> None:
    deployed = deploy()
    scaling: Scaling = import_endpoint(name).SCALING
    arguments = deployed.functions[name]
    assert arguments["memory"] == scaling.memory_mb
    assert arguments["timeout"] == scaling.timeout_s
    assert arguments["scaledown_window"] == scaling.idle_s
    assert deployed.modal.concurrent.call_args_list[ENDPOINTS.index(name)].kwargs == {
        "max_inputs": scaling.max_inputs,
        "target_inputs": scaling.target_inputs,
    }


def test_memory_snapshots_are_on(deploy: Deploy) -> None:
    assert all(arguments["enable_memory_snapshot"] is True for arguments in deploy().functions.values())


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
def test_the_environment_chooses_app_and_secret(
    deploy: Deploy, environment: dict[str, str], app_name: str, secret_name: str
) -> None:
    deployed = deploy(**environment)
    assert deployed.modal.App.call_args.args == (app_name,)
    deployed.modal.Secret.from_name.assert_called_once_with(secret_name, required_keys=["DATABASE_URL"])
    assert deployed.app_arguments["secrets"] == [deployed.modal.Secret.from_name.return_value]
    told = {name: arguments["env"] for name, arguments in deployed.functions.items()}
    assert told == {name: {"THUNDER_APP_NAME": app_name} for name in ENDPOINTS}


def test_the_image_has_the_locked_packages_and_no_other(deploy: Deploy) -> None:
    image = deploy().image
    image.pip_install_from_requirements.assert_called_once_with(
        str(ROOT / "requirements.lock"), extra_options="--require-hashes --only-binary=:all:"
    )
    steps = {call[0] for call in image.method_calls}
    assert steps == {"pip_install_from_requirements", "add_local_python_source", "add_local_dir"}


def test_the_code_and_the_sql_are_mounted_and_nothing_else(deploy: Deploy) -> None:
    deployed = deploy()
    deployed.image.add_local_python_source.assert_called_once_with("core", "functions")
    deployed.image.add_local_dir.assert_called_once_with(ROOT / "sql", "/root/sql")
    assert deployed.app_arguments["image"] is deployed.image
    assert deployed.app_arguments["include_source"] is False


def test_the_image_s_python_is_the_oldest_that_thunder_supports(deploy: Deploy) -> None:
    (python,) = deploy().modal.Image.debian_slim.call_args.args
    assert f'requires-python = ">={python}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_no_module_of_a_container_imports_modal_or_reads_its_deploy_time_variables() -> None:
    for path in [*(ROOT / "functions").rglob("*.py"), *(ROOT / "core").rglob("*.py")]:
        source = path.read_text(encoding="utf-8")
        assert "import modal" not in source
        assert 'environ["MODAL_' not in source
