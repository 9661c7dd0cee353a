"""The commands of manage.py, run in this process, and other commands, run in a shell."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from manage import cli
from tests.support.environment import ROOT
from tests.support.keys import SECRET

Command = Callable[..., Result]


def run_command(*arguments: object, on: str | None = None, stdin: bytes | None = None, **environment: str) -> Result:
    """Run a command of manage.py on a database: `run_command("export", "--what", "steps", on=url)`."""
    if on is not None:
        environment = {"DATABASE_URL": on, "THUNDER_SECRET": SECRET, **environment}
    return CliRunner().invoke(cli, [str(one) for one in arguments], input=stdin, env=environment)


def lend_programs(directory: Path) -> None:
    """Give a directory the programs and the code that the commands of the documents use."""
    programs = directory / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, command in (("python", ""), ("modal", "-m modal ")):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {command}"$@"\n')
        (programs / name).chmod(0o755)
    for name in ("manage.py", "core", "functions", "sql"):
        (directory / name).symlink_to(ROOT / name)


async def run_shell(
    command: str, directory: Path, environment: dict[str, str], *, typed: str = "", fails: bool = False
) -> str:
    """Run the commands of a document, and return their output.

    Args:
        command: the commands.
        directory: the working directory.
        environment: all variables.
        typed: the lines that the commands read from standard input.
        fails: whether the commands must fail, instead of succeed.
    """
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", command),
        cwd=directory,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(typed.encode())
    assert (process.returncode != 0) is fails, f"{command}\n{output.decode()}"
    return output.decode()
