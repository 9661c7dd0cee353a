"""`manage.py deploy` against an offline Modal."""

import asyncio
import sys

from tests.support.environment import ROOT
from tests.support.fakemodal import FakeModal


async def run_deploy(modal: FakeModal, *arguments: str) -> tuple[int | None, str]:
    """Run the command, and return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "manage.py", "deploy", *arguments),
        cwd=ROOT,
        env=modal.cli_env(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()
