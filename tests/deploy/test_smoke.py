"""The test of a deployed app, against real servers."""

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

import pytest
from typing_extensions import override

from core.deploy.smoke import SmokeError, smoke
from core.settings import DEPLOYMENT_HEADER
from tests.support.client import Client
from tests.support.http_server import serve as serve_handler
from tests.support.servers import Serve

APP = "thunder-backend"


def test_the_deployed_app_is_checked(client: Client) -> None:
    said: list[str] = []
    urls = {"api": client.url, "logs": client.url}
    smoke(urls, app_name=APP, deployment_id=None, say=said.append)
    assert said[0].startswith("warning: INGEST_AUTH=open")
    assert said[1:] == [f"thunder-backend answers at {client.url} (2 web functions tested)"]


@pytest.mark.parametrize(
    ("app_name", "deployment_id", "others", "message"),
    [
        ("another", None, {}, "/healthz: deployed, but it answers 200"),
        (APP, "new", {}, "/healthz: deployed, but it still answers as the deployment None instead of new; try again"),
        (APP, None, {"ingest": "http://127.0.0.1:1"}, "the function ingest answers 0; http://127.0.0.1:1/no-such-path"),
    ],
)
def test_a_wrong_app_deployment_or_function_fails_the_check(  # noqa: PLR0917 - fixtures and parameters
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    app_name: str,
    deployment_id: str | None,
    others: Mapping[str, str],
    message: str,
) -> None:
    monkeypatch.setattr("core.deploy.smoke.SMOKE_SECONDS", 0)
    with pytest.raises(SmokeError, match=message):
        smoke({"api": client.url, **others}, app_name=app_name, deployment_id=deployment_id, say=print)


def test_every_answer_names_the_deployment(serve: Serve, database_url: str) -> None:
    deployed = serve(DATABASE_URL=database_url, THUNDER_DEPLOYMENT="20261130-101500-a1b2c3")
    health = deployed.request("GET", "/healthz")
    assert health.json["deployment"] == "20261130-101500-a1b2c3"
    for path in ("/healthz", "/logs", "/no-such-path", "/viewer/app.js"):
        assert deployed.request("GET", path).headers[DEPLOYMENT_HEADER] == "20261130-101500-a1b2c3", path
    smoke({"api": deployed.url}, app_name=APP, deployment_id="20261130-101500-a1b2c3", say=print)


class Rolling(BaseHTTPRequestHandler):
    """A function of which the previous deployment still answers a few calls. Modal then starts a container."""

    answers: ClassVar[dict[str, list[tuple[int, str]]]] = {}

    def do_GET(self) -> None:
        waiting = self.answers[self.path]
        status, deployment = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        body = json.dumps({"status": "ok", "app": APP, "commit": "a" * 40, "code": status}).encode()
        self.send_response(status)
        self.send_header(DEPLOYMENT_HEADER, deployment) if deployment else None
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


def test_the_same_commit_is_not_mistaken_for_the_new_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.deploy.smoke.PAUSE_SECONDS", 0)
    Rolling.answers = {
        "/healthz": [(200, "old"), (200, "old"), (503, "new"), (200, "new")],
        "/logs": [(401, "new")],
        "/no-such-path": [(404, "old"), (500, ""), (404, "new")],
    }
    with serve_handler(Rolling) as port:
        smoke({"api": f"http://127.0.0.1:{port}"}, app_name=APP, deployment_id="new", say=print)
    assert Rolling.answers == {
        "/healthz": [(200, "new")],
        "/logs": [(401, "new")],
        "/no-such-path": [(404, "new")],
    }, "all earlier answers were read and did not suffice"


def test_a_function_that_stays_at_the_previous_deployment_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.deploy.smoke.SMOKE_SECONDS", 0)
    Rolling.answers = {"/healthz": [(200, "new")], "/logs": [(401, "new")], "/no-such-path": [(404, "old")]}
    with (
        serve_handler(Rolling) as port,
        pytest.raises(SmokeError, match="deployment old instead of new"),
    ):
        smoke({"api": f"http://127.0.0.1:{port}"}, app_name=APP, deployment_id="new", say=print)
