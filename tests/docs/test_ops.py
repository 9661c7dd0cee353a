"""docs/ops: dashboard and alert rules use metrics that exist, and the commands of the runbook run as printed."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.client import Client
from tests.support.command import lend_programs, run_shell
from tests.support.environment import ROOT
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.posts import post_probs

OPS = ROOT / "docs" / "ops"
RUNBOOK = (OPS / "RUNBOOK.md").read_text(encoding="utf-8")
NAME = re.compile(r"\b(?:thunder|process)_[a-z0-9_]+")
LABEL = re.compile(r"by \(([^)]*)\)|\{([^}]*)\}")


def read_rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((OPS / "prometheus-alerts.yaml").read_text(encoding="utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def list_dashboard() -> list[str]:
    dashboard = json.loads((OPS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


EXPRESSIONS = [*list_dashboard(), *(rule["expr"] for rule in read_rules())]


@pytest.fixture
def labels(client: Client) -> dict[str, set[str]]:
    """The labels of each sample that a server exposes."""
    post_probs(client, "r1", [0.5], model="m")
    text = client.request("GET", "/metrics", None, x_api_key=ADMIN_KEY).data.decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found: dict[str, set[str]] = {}
    for sample in samples:
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_the_dashboard_and_the_rules_use_metrics_and_labels_that_exist(labels: dict[str, set[str]]) -> None:
    for expression in EXPRESSIONS:
        names = NAME.findall(expression)
        assert set(names) <= labels.keys() or expression.startswith("up{"), expression
        known = set().union(*(labels[name] for name in names))
        used = {
            re.split("[=!]", part)[0].strip()
            for group in LABEL.findall(expression)
            for part in "".join(group).split(",")
            if part.strip()
        }
        assert used <= known | {"job"}, expression
        assert expression.count("(") == expression.count(")"), expression


def test_the_dashboard_shows_every_metric(labels: dict[str, set[str]]) -> None:
    shown = set(NAME.findall(" ".join(list_dashboard())))
    own = {name for name in labels if name.startswith("thunder_") and not name.endswith("_created")}
    related = ("thunder_http_request_seconds_", "thunder_ingest_")
    assert {name for name in own - shown if not name.startswith(related)} == set()


def test_each_alert_leads_to_a_section_of_the_runbook() -> None:
    sections = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)}
    rules = read_rules()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        path, _, section = rule["annotations"]["runbook_url"].partition("#")
        assert (ROOT / path) == OPS / "RUNBOOK.md"
        assert section in sections, section
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_the_commands_of_the_runbook_run_as_printed(client: Client, database_url: str, tmp_path: Path) -> None:
    lend_programs(tmp_path)
    (commands,) = re.findall(r"```sh\n(.*?)```", RUNBOOK, re.DOTALL)
    environment = {"THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET, "DATABASE_URL": database_url}
    environment |= {"PATH": os.environ["PATH"], "THUNDER": client.url}
    health, _, findings = asyncio.run(run_shell(commands, tmp_path, environment)).partition("}ok ")
    assert json.loads(health + "}")["status"] == "ok"
    assert re.search(r"^ok +schema ", findings, re.MULTILINE), findings
