"""The commands of manage.py, run in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from manage import cli
from tests.support.keys import SECRET

Command = Callable[..., Result]


@pytest.fixture
def manage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run a command of manage.py in a directory of its own: `manage("export", "--what", "steps", on=url)`."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, on: str | None = None, stdin: bytes | None = None, **environment: str) -> Result:
        if on is not None:
            environment = {"DATABASE_URL": on, "THUNDER_SECRET": SECRET, **environment}
        return CliRunner().invoke(cli, [str(one) for one in arguments], input=stdin, env=environment)

    return run
