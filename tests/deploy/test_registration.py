"""deploy.py registers the endpoint modules with Modal."""

import pytest

from functions import deployed
from functions.jobs import schedule
from functions.web.scaling import Scaling
from tests.support.deploys import ENDPOINTS, MODULES, Deploy
from tests.support.environment import ROOT


def test_each_endpoint_and_api_become_functions_of_the_same_name(deploy: Deploy) -> None:
    assert list(deploy().functions) == [*ENDPOINTS, schedule.NAME]
    assert {"health", "ingest", "logs", "api"} <= set(ENDPOINTS)


def test_each_endpoint_file_is_served_and_deployed(deploy: Deploy) -> None:
    folder = ROOT / "functions"
    packages = {path.parent.name for path in folder.glob("*/__init__.py") if "\nSCALING =" in path.read_text()}
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "log_group", "deployed"} | packages
    assert set(ENDPOINTS) == files
    assert files <= set(deploy().functions)


def test_a_function_serves_the_asgi_app_of_its_module(deploy: Deploy) -> None:
    modal = deploy().modal
    served = [call.args[0] for call in modal.asgi_app.return_value.call_args_list]
    concurrent = [call.args[0] for call in modal.concurrent.return_value.call_args_list]
    registered = [call.args[0] for call in modal.App.return_value.function.return_value.call_args_list]
    # A container imports the function by these names.
    assert [(one.__module__, one.__qualname__) for one in served] == [
        ("functions.deployed", name) for name in ENDPOINTS
    ]
    assert concurrent == [modal.asgi_app.return_value.return_value] * len(ENDPOINTS)
    assert registered[:-1] == [modal.concurrent.return_value.return_value] * len(ENDPOINTS)


def test_a_deploy_builds_no_application(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would import scipy, which takes seconds."""
    monkeypatch.setattr(deployed, "build", pytest.fail)
    assert len(deploy().functions) == len(ENDPOINTS) + 1


def test_a_function_returns_the_application_of_its_module() -> None:
    web = deployed.health
    assert set(web().openapi()["paths"]) == {"/health", "/livez"}
    assert (web.__module__, web.__qualname__, web()) == ("functions.deployed", "health", deployed.refer_to("health")())


def test_chores_register_no_function_of_the_app(deploy: Deploy) -> None:
    assert deploy(command="run", target="chores.py::status").functions == {}


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


def test_every_program_is_type_checked() -> None:
    configuration = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert [path.name for path in ROOT.glob("*.py") if f'"{path.name}"' not in configuration] == []
