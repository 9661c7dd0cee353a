"""The commands of manage.py, run in this process."""

from collections.abc import Callable

from click.testing import CliRunner, Result

from manage import cli
from tests.support.keys import SECRET

Command = Callable[..., Result]


def run_command(*arguments: object, on: str | None = None, stdin: bytes | None = None, **environment: str) -> Result:
    """Run a command of manage.py on a database: `run_command("export", "--what", "steps", on=url)`."""
    if on is not None:
        environment = {"DATABASE_URL": on, "THUNDER_SECRET": SECRET, **environment}
    return CliRunner().invoke(cli, [str(one) for one in arguments], input=stdin, env=environment)
