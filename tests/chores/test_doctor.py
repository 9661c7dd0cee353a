"""`manage.py doctor`: it finds faults, says what to do about them, and prints no secrets."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from core.access.access import Access
from core.access.secret import WRONG_SECRET
from core.access.store import Guards
from core.cli import doctor, doctor_settings
from core.cli.findings import Level
from core.database.migrations import LATEST_VERSION, adopt
from core.settings import Settings
from tests.support.command import Command
from tests.support.keys import ADMIN_KEY

PASSWORD = "hunter2-hunter2"
ENV = {"THUNDER_SECRET": "s" * 64, "THUNDER_ADMIN_KEY": ADMIN_KEY}
ALL = [
    "settings",
    "database",
    "direct",
    "latency",
    "server",
    "clock",
    "timeouts",
    "stamp",
    "schema",
    "scores",
    "secret",
]


def read_findings(printed: str) -> dict[str, tuple[str, str]]:
    lines = [(line[:4].strip(), line[6:18].strip(), line[20:]) for line in printed.splitlines()]
    return {subject: (level, sentence) for level, subject, sentence in lines}


def answer(usage: SimpleNamespace, _path: Path) -> SimpleNamespace:
    return usage


def make_guards(kept_secret: str | None) -> Guards:
    none = dict.fromkeys(("fingerprint", "previous_fingerprint"))
    return Guards(admin_keys=0, kept_secret=kept_secret, is_waiting=False, **none)


def make_settings(**environment: str) -> Settings:
    return Settings.model_validate({name.lower(): value for name, value in environment.items()})


def test_a_healthy_database_is_ok_in_all_checks(database_url: str, manage: Command) -> None:
    done = manage("doctor", on=database_url, **ENV)
    found = read_findings(done.stdout)
    assert list(found) == [*ALL, "admin key"]
    assert {level for level, _ in found.values()} == {"ok"}, done.stdout
    assert done.exit_code == 0
    assert found["settings"][1] == "set: DATABASE_URL, THUNDER_ADMIN_KEY, THUNDER_SECRET"
    assert "median of 5" in found["latency"][1]
    for secret in ENV.values():
        assert secret not in done.output


def test_each_fault_is_named_with_its_remedy(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    adopt(database_url, app_name="thunder-backend-staging")
    sql.execute("delete from schema_migrations where version = %s", [LATEST_VERSION])
    sql.execute("insert into generated_secret (secret) values ('the other')")
    done = manage("doctor", on=database_url, THUNDER_SECRET="short", THUNDER_ADMIN_KEY="")
    found = read_findings(done.stdout)
    assert done.exit_code == 1
    assert found["stamp"][0] == "fail"
    assert "adopt --app-name thunder-backend" in found["stamp"][1]
    assert found["schema"] == ("fail", f"at version {LATEST_VERSION - 1} of {LATEST_VERSION}; run `manage.py migrate`")
    assert found["secret"] == ("fail", WRONG_SECRET)
    assert (found["admin key"][0], "keys create NAME --admin" in found["admin key"][1]) == ("fail", True)
    assert "the other" not in done.output


def test_an_edited_migration_is_found(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    sql.execute("update schema_migrations set checksum = 'x' where version = 2")
    done = manage("doctor", on=database_url, **ENV)
    assert (done.exit_code, "the applied text differs from the file" in done.stdout) == (1, True)


def test_an_empty_database_needs_a_migration(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    sql.execute("drop schema public cascade")
    sql.execute("create schema public")
    found = read_findings(manage("doctor", on=database_url, **ENV).stdout)
    assert found["stamp"] == ("fail", "the database has no stamp yet; run `manage.py migrate`")
    assert found["schema"][1].startswith("at version 0 of")
    assert "secret" not in found


def test_an_unreachable_database_fails_without_its_password(manage: Command, tmp_path: Path) -> None:
    done = manage("doctor", on=f"postgresql://u:{PASSWORD}@/none?host={tmp_path}", **ENV)
    assert (done.exit_code, "does not answer" in done.stdout) == (1, True)
    assert PASSWORD not in done.output


@pytest.mark.parametrize("url", ["postgresql://u:pa@ss@h/d", "postgresql://u:pa/ss@h/d", "nonsense ss"])
def test_an_invalid_url_fails_without_its_password(manage: Command, url: str) -> None:
    done = manage("doctor", on=url, **ENV)
    assert (done.exit_code, "DATABASE_URL: " in done.stdout, "ss@" in done.output) == (1, True, False)


def test_without_a_database_only_one_check_runs(manage: Command, tmp_path: Path) -> None:
    done = manage("doctor")
    assert (done.exit_code, "DATABASE_URL: not set" in done.stdout) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "level", "kind", "direct"),
    [
        ({"DATABASE_URL": "postgresql://u:p@db/d"}, "ok", "d on db: direct", "DATABASE_URL itself"),
        (
            {"DATABASE_URL": "postgresql://u:p@ep-x-1-pooler.eu.aws.neon.tech/d"},
            "ok",
            "Neon's pooler",
            "derived from Neon's DATABASE_URL: d on ep-x-1.eu.aws.neon.tech",
        ),
        ({"DATABASE_URL": "postgresql://u:p@ep-x-1.eu.aws.neon.tech/d"}, "warn", "Neon, direct", "derived from"),
        ({"DATABASE_URL": "postgresql://u:p@db:6432/d"}, "ok", "by its port 6432", "set DATABASE_URL_DIRECT"),
        (
            {"DATABASE_URL": "postgresql://u:p@db:6432/d", "DATABASE_URL_DIRECT": "postgresql://u:p@db:6543/d"},
            "ok",
            "by its port 6432",
            "DATABASE_URL_DIRECT leads to d on db:6543, a pooler",
        ),
    ],
)
def test_the_kind_of_each_url_is_recognized(environment: dict[str, str], level: str, kind: str, direct: str) -> None:
    settings = make_settings(**environment)
    found = doctor_settings.examine_url(settings)
    assert (found.level, kind in found.sentence) == (level, True), found
    finding = doctor_settings.examine_direct_url(settings)
    assert finding is not None
    assert direct in finding.sentence, finding


def test_urls_of_different_databases_fail(database_url: str, second_url: str, manage: Command) -> None:
    adopt(second_url, app_name="other")
    done = manage("doctor", on=database_url, DATABASE_URL_DIRECT=second_url, **ENV)
    assert (done.exit_code, "lead to different databases" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (doctor._judge_latency(5, 1), Level.OK),
        (doctor._judge_latency(5, 80), Level.WARN),
        (doctor._judge_version(180_004), Level.OK),
        (doctor._judge_version(170_002), Level.WARN),
        (doctor._judge_version(140_002), Level.FAIL),
        (doctor._judge_skew(-0.5), Level.OK),
        (doctor._judge_skew(40), Level.WARN),
        (doctor_settings.examine_secret(make_settings(), make_guards("kept")), Level.WARN),
        (doctor_settings.examine_secret(make_settings(THUNDER_SECRET="k" * 40), make_guards("k" * 40)), Level.WARN),
        (doctor_settings.examine_secret(make_settings(THUNDER_SECRET="k" * 40), make_guards("kept")), Level.FAIL),
        (doctor_settings.examine_secret(make_settings(THUNDER_SECRET="k"), make_guards(None)), Level.WARN),
        (doctor_settings.examine_admin_key(None, 1), Level.OK),
        (doctor_settings.examine_admin_key("short", 0), Level.WARN),
    ],
)
def test_findings_are_graded(finding: doctor.Finding, level: Level) -> None:
    assert finding.level is level


@pytest.mark.parametrize(
    ("networks", "level"),
    [
        ("10.1.0.0/16, 192.168.7.9", Level.OK),
        ("127.0.0.1", Level.WARN),
        ("10.0.0.0/8,0.0.0.0/0", Level.WARN),
        ("169.254.169.254", Level.WARN),
        ("::/0", Level.WARN),
    ],
)
def test_networks_of_webhooks_with_risks_are_a_warning(networks: str, level: Level) -> None:
    finding = doctor_settings.examine_webhooks(make_settings(WEBHOOK_ALLOW=networks))
    assert finding is not None
    assert finding.level is level
    assert doctor_settings.examine_webhooks(make_settings()) is None


def test_settings_that_need_no_key_are_a_warning() -> None:
    assert list(doctor_settings.examine_openness(make_settings())) == []
    found = doctor_settings.examine_openness(make_settings(INGEST_AUTH="open", PLAYGROUND_KEYLESS="true"))
    assert [(one.level, one.subject) for one in found] == [(Level.WARN, "ingest"), (Level.WARN, "playground")]


@pytest.mark.parametrize("networks", ["nonsense", "10.0.0.1/8", "10.0.0.0/33"])
def test_invalid_networks_of_webhooks_are_named(database_url: str, manage: Command, networks: str) -> None:
    done = manage("doctor", on=database_url, WEBHOOK_ALLOW=networks, **ENV)
    assert done.exit_code == 1
    assert "WEBHOOK_ALLOW: " in done.stderr


def test_a_full_disk_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    levels = []
    for free in (10, 1, 0.1):
        usage = SimpleNamespace(free=int(free * doctor_settings.GIB))
        monkeypatch.setattr(doctor_settings.shutil, "disk_usage", partial(answer, usage))
        levels.append(doctor_settings.examine_disk(tmp_path).level)
    assert levels == [Level.OK, Level.WARN, Level.FAIL]


def test_a_timeout_without_effect_fails(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OVERDUE_S", 0)
    with psycopg.connect(database_url, autocommit=True) as conn:
        assert doctor._examine_timeout(conn).level is Level.FAIL


def test_doctor_and_health_warn_of_a_stored_secret(database_url: str, manage: Command) -> None:
    done = manage("doctor", on=database_url, THUNDER_SECRET="", THUNDER_ADMIN_KEY=ADMIN_KEY)
    assert read_findings(done.stdout)["secret"][0] == "warn"
    assert done.exit_code == 0, "a warning is not a failure"
    assert Access(None).warnings
