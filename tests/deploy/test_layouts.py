"""Layouts choose the web functions, and capacities their containers."""

import pytest
from fastapi import FastAPI
from pytest_mock import MockerFixture

from core.deploy.capacity import KNOWN_POOL, describe_pool, find_pool
from core.deploy.layout import Layout, choose_layout
from functions import api, log_group
from functions.jobs import schedule
from functions.web.application import build_app
from tests.support.deploys import ENDPOINTS, Deploy

GROUPED_FUNCTIONS = ("api", "health", "ingest", "logs")


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
    printed, *_, connections = capsys.readouterr().out.splitlines()
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
    budget = f"At most 18 containers open up to {19 * 2 + 3} connections to the database (DATABASE_POOL_SIZE=2);"
    assert budget in capsys.readouterr().out


def test_the_budget_of_connections_uses_the_pool_in_the_secret(
    deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    status = f"newest    no traces yet\n{describe_pool(7)}\n"
    for known, shown in (
        (find_pool(status), f"{81 * 7 + 20} connections to the database (DATABASE_POOL_SIZE=7);"),
        (find_pool(""), f"{81 * 4 + 20} connections to the database (DATABASE_POOL_SIZE=4, unless the secret has"),
    ):
        functions = deploy(MODAL_LAYOUT="grouped", **{KNOWN_POOL: "", **known}).functions
        assert shown in capsys.readouterr().out
        assert not any("DATABASE_POOL_SIZE" in one["env"] for one in functions.values()), "the secret's applies"


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


def test_only_commands_that_go_online_read_the_capacity(deploy: Deploy) -> None:
    chosen = {"MODAL_LAYOUT": "", "MODAL_CPU": "ingest=1", "MODAL_MAX_CONTAINERS": "10,logs=4"}
    assert deploy(**chosen).functions["ingest"]["cpu"] == 1
    assert deploy(command="run", **chosen).functions["api"]["max_containers"] == 20
    with pytest.raises(SystemExit, match="MODAL_MAX_CONTAINERS: 'logs' is not a function of this layout; use api"):
        deploy(command="serve", **chosen)


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
    served = list_operations(build_app(log_group.router))
    assert served == list_operations(api.web()) - {("/logs/stream", "get")}
    assert {("/logs", "get"), ("/logs/{request_id}/trace", "get")} <= served


def list_operations(app: FastAPI) -> set[tuple[str, str]]:
    """List the documented operations under /logs."""
    paths = {path: item for path, item in app.openapi()["paths"].items() if path.startswith("/logs")}
    return {(path, method) for path, item in paths.items() for method in item}
