"""The commands of manage.py, run in this process, and other commands, run in a shell."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from manage import cli
from tests.support.keys import SECRET

Command = Callable[..., Result]


def run_command(*arguments: object, on: str | None = None, stdin: bytes | None = None, **environment: str) -> Result:
    """Run a command of manage.py on a database: `run_command("export", "--what", "steps", on=url)`."""
    if on is not None:
        environment = {"DATABASE_URL": on, "THUNDER_SECRET": SECRET, **environment}
    return CliRunner().invoke(cli, [str(one) for one in arguments], input=stdin, env=environment)


async def run_shell(command: str, directory: Path, environment: dict[str, str]) -> str:
    """Run the commands of a document, which must succeed, and return their output."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", command),
        cwd=directory,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, f"{command}\n{output.decode()}"
    return output.decode()
